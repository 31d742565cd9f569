import type { NewEvent } from "../../domain/audit/event.ts";
import type { AttemptLimits } from "../../domain/throttle/attempt-limits.ts";
import type { UserWithPassword } from "./credential-repository.ts";
import type { UserKey } from "./user-repository.ts";

/** An attempt to authenticate, before it is made. */
export interface NewAttempt {
  /** UUID. */
  readonly id: string;
  /** The claimed user. */
  readonly key: UserKey;
  /** A keyed digest of the name. Failures are counted under it if no user has this key. */
  readonly nameDigest: string;
  /** The network that the attempt comes from, if known. */
  readonly network: string | undefined;
  /** What may identify the attempt as known, so that it has a budget of its own. */
  readonly knownBy?: KnownBy | undefined;
}

/** The digest of a device token, or the id of the session in which the attempt is made. */
export type KnownBy = { readonly deviceDigest: string } | { readonly sessionId: string };

/** A counted attempt. */
export interface Attempt {
  readonly id: string;
  /**
   * The account that it is counted under: "users/" and an id, or "names/" and a digest. From a known device of the user
   * "users/<id>/devices/<id>", in a live session of the user "users/<id>/sessions".
   */
  readonly account: string;
  /** The network that a failure is also counted for. Undefined for known attempts. */
  readonly network: string | undefined;
}

/** Whether an attempt is allowed. */
export interface AttemptVerdict {
  readonly attempt: Attempt;
  /** The user, if there is one, whether or not the attempt is allowed. */
  readonly found: UserWithPassword | undefined;
  /** Whether the attempt was counted and may be made. */
  readonly allowed: boolean;
  /** If it is refused: milliseconds after which another attempt may be allowed, if waiting helps. */
  readonly retryAfterMs: number | undefined;
}

/** The result of an attempt. A failure is also counted for its network; a success clears the account's failures. */
export type AttemptResult = "succeeded" | "failed" | "refused";

/** The events of an attempt. */
export interface AttemptEvents {
  /** The result. */
  readonly event: NewEvent;
  /** Also added if the attempt failed and locked its account. */
  readonly locked: NewEvent;
}

/**
 * Counts attempts. Each method is a single statement in its own transaction, and does the same work whether or not a
 * user has the name.
 */
export interface AttemptStatements {
  /**
   * Counts an attempt as a failure, before anything is computed for it, and returns whether it may be made. Concurrent
   * attempts are allowed no more often than sequential ones. An attempt that is not allowed changes nothing. If the
   * call is repeated with the same id, and that attempt was the last one, it is not counted twice. An attempt is known
   * if its device token belongs to the user and has not expired, or if its session is live, belongs to the user, and
   * the user may sign in. A known attempt is not blocked by a lock of the account or the network, and does not count
   * towards either.
   */
  begin(attempt: NewAttempt, limits: AttemptLimits): Promise<AttemptVerdict>;

  /** Records the result of an attempt and its events. Idempotent for the same events. */
  conclude(
    attempt: Attempt,
    result: AttemptResult,
    events: AttemptEvents,
    limits: AttemptLimits,
  ): Promise<void>;

  /** Takes back an attempt that was not made after all, if it is the last one of the account. */
  undoCount(attempt: Attempt): Promise<void>;
}

export interface AttemptRepository {
  /** Clears the failures of a user, including those in its sessions, but not those of its devices. */
  forgive(userId: string): Promise<void>;

  /**
   * Clears the failures of users, including those of their devices and sessions. Returns the ids of users that had any.
   */
  unlock(userIds: readonly string[]): Promise<string[]>;

  /** Deletes up to `limit` expired counters of unknown names, of devices, and of networks. Returns how many. */
  sweep(limit: number): Promise<number>;
}
