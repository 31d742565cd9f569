import type { NewEvent } from "../../domain/audit/event.ts";
import type { AttemptLimits } from "../../domain/throttle/attempt-limits.ts";
import type { UserWithPassword } from "./credential-repository.ts";
import type { UserKey } from "./user-repository.ts";

/** An attempt to prove who somebody is, about to be made. */
export interface NewAttempt {
  /** UUID. */
  readonly id: string;
  /** Who it is said to be. */
  readonly key: UserKey;
  /** What failures are counted under where no user has this key: a keyed digest of the name. */
  readonly nameDigest: string;
  /** The network that the attempt comes from, if that is known. */
  readonly network: string | undefined;
  /** What may make it known, so that it has a budget of its own. */
  readonly knownBy?: KnownBy | undefined;
}

/** The digest of a device token, or the id of a session that the attempt is made in. */
export type KnownBy = { readonly deviceDigest: string } | { readonly sessionId: string };

/** An attempt that is counted. */
export interface Attempt {
  readonly id: string;
  /**
   * What it is counted under: "users/" and an id, or "names/" and a digest. From a known device of the user
   * "users/<id>/devices/<id>", in a live session of the user "users/<id>/sessions".
   */
  readonly account: string;
  /** What its failure is counted for as well. Undefined for what is known. */
  readonly network: string | undefined;
}

/** Whether an attempt may be made. */
export interface AttemptVerdict {
  readonly attempt: Attempt;
  /** The user, if there is one, and whether or not the attempt is allowed. */
  readonly found: UserWithPassword | undefined;
  /** It is counted, and may be made. */
  readonly allowed: boolean;
  /** Milliseconds after which another one may be allowed, where it is not and time helps. */
  readonly retryAfterMs: number | undefined;
}

/** What became of an attempt: a failure is counted for its network too, a success forgets the account's failures. */
export type AttemptResult = "succeeded" | "failed" | "refused";

/** The events about an attempt. */
export interface AttemptEvents {
  /** What became of it. */
  readonly event: NewEvent;
  /** Added besides if it has failed and closed what it is counted under. */
  readonly locked: NewEvent;
}

/**
 * Counts attempts. Each method is one statement and a transaction of its own, and does as much for a name that nobody has as
 * for one that somebody has.
 */
export interface AttemptStatements {
  /**
   * Counts an attempt as a failure, before anything is computed for it, and answers whether it may be made. Of attempts at
   * once, no more are allowed than one after another would be. An attempt that is not allowed changes nothing. Said again
   * with the same id, an attempt that was the last is not counted twice. An attempt is known where its device token is the
   * user's and has not expired, or its session is live and the user's and the user may sign in: then neither the account nor
   * the network closes it, and it closes neither.
   */
  begin(attempt: NewAttempt, limits: AttemptLimits): Promise<AttemptVerdict>;

  /** Notes what became of an attempt, and its events. Said again with the same events, it changes nothing. */
  conclude(
    attempt: Attempt,
    result: AttemptResult,
    events: AttemptEvents,
    limits: AttemptLimits,
  ): Promise<void>;

  /** Takes back an attempt that was not made after all, where it is the account's last. */
  giveBack(attempt: Attempt): Promise<void>;
}

export interface AttemptRepository {
  /** Forgets the failures of a user, also those in its sessions, but not those of its devices. */
  forgive(userId: string): Promise<void>;

  /** Forgets the failures of users, of their devices and in their sessions. Answers the ids of those that had any. */
  unlock(userIds: readonly string[]): Promise<string[]>;

  /** Forgets up to `limit` names that nobody has, devices and networks whose purge time has come. Answers how many. */
  sweep(limit: number): Promise<number>;
}
