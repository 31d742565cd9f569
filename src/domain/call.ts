import { Grants, Scope } from "./caller/grants.ts";

/** Deadline and cancellation of a call. */
export interface Deadline {
  /** Aborted when the caller has disconnected or the deadline has passed. Its reason is the error to end with. */
  readonly signal: AbortSignal;
  /** Milliseconds left, or undefined if the caller has set no deadline. */
  timeoutMs(): number | undefined;
}

/** Where a call comes from, as audit events record it. */
export interface Origin {
  /**
   * A SPIFFE ID, "serviceAccounts/" and an id, "cli:" and an operating-system user, "anonymous", or "auth" for the
   * service.
   */
  readonly caller: string;
  /** Identifies the call in the log and in audit events. Empty if there is none. */
  readonly requestId: string;
  /** IP address of the connected peer. Empty if there is no connection. */
  readonly address: string;
}

/**
 * One call as the domain sees it. All work for the call takes it as a parameter, so that no hash or query outlives the
 * call and every action can be attributed to its caller.
 */
export interface Call extends Deadline {
  readonly origin: Origin;
  /** Whether the caller holds a grant beyond the one that the method itself requires. */
  may(grant: string): boolean;
  /** All grants of the caller. */
  readonly grants: Grants;
  /** The sessions and tokens that the caller's grant of the method covers. */
  readonly scope: Scope;
}

/**
 * The owner of a call's request ids, page tokens and cursors. All users of the command line are one owner, so that one
 * operator can continue a command that another began.
 */
export function ownerOf({ origin: { caller } }: Call): string {
  return caller.startsWith("cli:") ? "cli:" : caller;
}

const ourselves: Origin = { caller: "auth", requestId: "", address: "" };

/** Grants of calls that no policy limits. */
export const unlimited = { may: () => true, grants: Grants.everything, scope: Scope.everywhere };

/** A call of the service itself, with a timeout in milliseconds. */
export function ownCall(timeoutMs: number): Call {
  return ownCallWithin({ signal: AbortSignal.timeout(timeoutMs), timeoutMs: () => timeoutMs });
}

/** A call of the service itself. */
export function ownCallWithin({ signal, timeoutMs }: Deadline): Call {
  return { signal, timeoutMs, origin: ourselves, ...unlimited };
}
