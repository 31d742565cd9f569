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
}

/** An attempt that is counted. */
export interface Attempt {
  readonly id: string;
  /** What it is counted under: "users/" and an id, or "names/" and a digest. */
  readonly account: string;
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

/**
 * Counts attempts. Each method is one statement and a transaction of its own, and does as much for a name that nobody has as
 * for one that somebody has.
 */
export interface AttemptStatements {
  /**
   * Counts an attempt as a failure, before anything is computed for it, and answers whether it may be made. Of attempts at
   * once, no more are allowed than one after another would be. An attempt that is not allowed changes nothing. Said again
   * with the same id, an attempt that was the last is not counted twice.
   */
  begin(attempt: NewAttempt, limits: AttemptLimits): Promise<AttemptVerdict>;

  /** Notes what became of an attempt, and the event that tells of it. Said again with the same event, it changes nothing. */
  conclude(attempt: Attempt, result: AttemptResult, event: NewEvent, limits: AttemptLimits): Promise<void>;

  /** Takes back an attempt that was not made after all, where it is the account's last. */
  giveBack(attempt: Attempt): Promise<void>;
}

export interface AttemptRepository {
  /** Forgets the failures of a user. */
  forgive(userId: string): Promise<void>;

  /** Forgets up to `limit` names that nobody has and networks whose purge time has come. Answers how many. */
  sweep(limit: number): Promise<number>;
}
