import { Grants, Scope } from "./caller/grants.ts";

/** How long there is, and whether anybody still waits. */
export interface Patience {
  /** Aborted when the caller has gone or the deadline has passed; its reason is the error to end with. */
  readonly signal: AbortSignal;
  /** Milliseconds left, or undefined where the caller has set no deadline. */
  timeoutMs(): number | undefined;
}

/** Where a call comes from: what the record of what happened says of it. */
export interface Origin {
  /** Who calls: a SPIFFE ID, "serviceAccounts/" and an id, "cli:" and a user of the machine, "anonymous", or "auth" itself. */
  readonly caller: string;
  /** By which the log and the record know the call. Empty where there is none. */
  readonly requestId: string;
  /** IP address of who is connected. Empty where nobody is. */
  readonly address: string;
}

/**
 * One call as the domain sees it. Whoever works for the call passes it on, so that nothing outlives it, not a hash, not a
 * query, and so that whatever is done is known as whose doing it was.
 */
export interface Call extends Patience {
  readonly origin: Origin;
  /** Whether the caller has been granted something: a permission, beyond the one that the method itself needs. */
  may(grant: string): boolean;
  /** All that the caller has been granted. */
  readonly grants: Grants;
  /** The sessions and tokens that the caller's grant of the method itself is good for. */
  readonly scope: Scope;
}

/**
 * Whose request ids, page tokens and cursors those of a call are. The command line is one caller, whoever types: a command
 * that one operator began, another can go on with.
 */
export function ownerOf({ origin: { caller } }: Call): string {
  return caller.startsWith("cli:") ? "cli:" : caller;
}

const ourselves: Origin = { caller: "auth", requestId: "", address: "" };

/** What calls are granted that no policy limits. */
export const unlimited = { may: () => true, grants: Grants.everything, scope: Scope.everywhere };

/** A call of the service's own, that may take so long. */
export function ownCall(timeoutMs: number): Call {
  return ownCallWithin({ signal: AbortSignal.timeout(timeoutMs), timeoutMs: () => timeoutMs });
}

/** A call of the service's own. */
export function ownCallWithin({ signal, timeoutMs }: Patience): Call {
  return { signal, timeoutMs, origin: ourselves, ...unlimited };
}
