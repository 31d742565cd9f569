import type { NewEvent } from "../../domain/audit/event.ts";
import type { PageCursor } from "../../domain/page-tokens.ts";
import type { EndReason, Session, SessionLimits } from "../../domain/session/session.ts";

/** The status of a session at a moment of the database's clock. */
export interface SessionStatus {
  readonly id: string;
  readonly userId: string;
  /**
   * Whether the session is live and its user active. A session that was ended with all others of its user is not live.
   */
  readonly live: boolean;
  /** Ids of the signing keys that are revoked at that moment and not yet removed. */
  readonly revokedKeys: readonly string[];
  /** The moment of the read. */
  readonly time: Date;
}

export interface SessionQuery {
  readonly userId: string;
  /** Only sessions that are live at the time of the statement. */
  readonly liveOnly: boolean;
  /** Only sessions after this position, in the order: newest first, then by id. */
  readonly after: PageCursor | undefined;
  /** Maximum number of sessions. */
  readonly limit: number;
}

/** A sign-in for which a session is to begin. */
export interface NewSession {
  readonly id: string;
  readonly userId: string;
  /** The caller that begins it, as in Origin. */
  readonly caller: string;
  readonly audience: string;
  readonly client: Session["client"];
  /** The password hash that was verified. */
  readonly passwordHash: string;
  /** The account that the attempt was counted under (`Attempt.account`), if not the user. */
  readonly account?: string;
}

/** A session at a moment of the database's clock. */
export interface SessionSnapshot {
  readonly session: Session;
  readonly time: Date;
}

export interface SessionReader {
  find(id: string): Promise<Session | undefined>;

  /** The statuses of those ids that have a session, unordered, in one statement. */
  statuses(ids: readonly string[]): Promise<SessionStatus[]>;

  /** The first `limit` sessions of a query, newest first. */
  list(query: SessionQuery): Promise<Session[]>;

  /**
   * Whether a user has more than `count` sessions that have not been ended, including expired ones. Reads at most one
   * more than that.
   */
  exceedsCount(userId: string, count: number): Promise<boolean>;
}

/** The result of ending a session. */
export interface SessionEnd {
  /** The session after the call. */
  readonly session: Session;
  /** Whether this call ended it; false if it had already ended. */
  readonly ended: boolean;
}

/** Ends and deletes sessions. An ended session stays ended. */
export interface SessionRepository extends SessionReader {
  /** Ends a session if it is live. Returns undefined if it does not exist. */
  end(id: string, reason: EndReason): Promise<SessionEnd | undefined>;

  /**
   * Ends the live sessions of a user, except `except` if it is set, by writing a constant number of rows. From then on,
   * each session reads as ended at this time and for this reason. Returns whether the user exists.
   */
  endAll(userId: string, reason: EndReason, except: string | undefined): Promise<boolean>;

  /**
   * Deletes sessions of a user beyond `keep` that have not been ended, at most `limit`: expired ones first, then the
   * oldest. Returns the ids of those that were live.
   */
  evict(userId: string, keep: number, limit: number): Promise<string[]>;

  /**
   * Writes the result of `endAll` into the rows of up to `limit` sessions. Reads return the same before and after.
   * Returns whether there may be more to write.
   */
  settle(limit: number): Promise<boolean>;

  /** Deletes up to `limit` sessions whose purge time has passed. Returns how many. */
  sweep(limit: number): Promise<number>;
}

/** A refresh token to be used. */
export interface RefreshAttempt {
  readonly id: string;
  readonly generation: number;
  /** Only if this caller began the session; undefined for any caller. */
  readonly caller: string | undefined;
}

/**
 * Changes of sessions. Each is a single statement that also writes the event, in its own transaction: one round trip.
 */
export interface SessionStatements {
  /**
   * Begins a session at generation 1 and clears the failed attempts of its account, if the user is active and the
   * password hash is unchanged; otherwise returns undefined. If repeated with the same id, returns the session that it
   * began, unless all sessions of the user were ended since. If it returns a session, the event is stored exactly once.
   */
  begin(session: NewSession, limits: SessionLimits, event: NewEvent): Promise<SessionSnapshot | undefined>;

  /**
   * Uses a refresh token, if the session is live, its user is active, and the given caller, if any, began it; otherwise
   * returns undefined. A token of the current generation increments the generation. A token of the generation before
   * returns the same result again during the leeway. Any older token ends the session, which is returned as revoked.
   *
   * If the session changes, the event is written with the session and its user. If the session ends, it is written as
   * "refresh-token.reused", refused with REFRESH_TOKEN_INVALID. The first three repetitions within a leeway are written
   * as "refresh-token.repeated".
   */
  refresh(
    attempt: RefreshAttempt,
    limits: SessionLimits,
    event: NewEvent,
  ): Promise<SessionSnapshot | undefined>;
}
