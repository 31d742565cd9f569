import type { NewEvent } from "../../domain/audit/event.ts";
import type { PageCursor } from "../../domain/page-tokens.ts";
import type { EndReason, Session, SessionLimits } from "../../domain/session/session.ts";

/** Whether a session is good at a moment of the database's clock. */
export interface SessionStatus {
  readonly id: string;
  readonly userId: string;
  /** The session is live and its user active. A session that ended with all others of its user is not live. */
  readonly live: boolean;
  /** The ids of the signing keys that are revoked at the moment, of those that are not forgotten yet. */
  readonly revokedKeys: readonly string[];
  /** The moment. */
  readonly time: Date;
}

export interface SessionQuery {
  readonly userId: string;
  /** Only sessions that are live at the time of the statement. */
  readonly liveOnly: boolean;
  /** Only sessions that come later in the order: youngest first, then by id. */
  readonly after: PageCursor | undefined;
  /** At most so many sessions. */
  readonly limit: number;
}

/** A sign-in that is to become a session. */
export interface NewSession {
  readonly id: string;
  readonly userId: string;
  /** Who begins it, as in Origin. */
  readonly caller: string;
  readonly audience: string;
  readonly client: Session["client"];
  /** What the password hash was when it was checked. */
  readonly passwordHash: string;
  /** What the attempt was counted under (`Attempt.account`), if not under the user. */
  readonly account?: string;
}

/** A session at a moment of the database's clock. */
export interface SessionAt {
  readonly session: Session;
  readonly time: Date;
}

export interface SessionReader {
  find(id: string): Promise<Session | undefined>;

  /** The status of each of the ids that a session has, in no order, by one statement. */
  statuses(ids: readonly string[]): Promise<SessionStatus[]>;

  /** The first `limit` sessions of a query, youngest first. */
  list(query: SessionQuery): Promise<Session[]>;

  /** Whether a user has more than so many sessions that have not been ended. Expired ones count. Reads no more than that. */
  areMoreThan(userId: string, count: number): Promise<boolean>;
}

/** What became of a session that was to end. */
export interface SessionEnd {
  /** As it is then. */
  readonly session: Session;
  /** Whether this has ended it, and not something before. */
  readonly ended: boolean;
}

/** Ends and forgets sessions. An ended session stays ended. */
export interface SessionRepository extends SessionReader {
  /** Ends a session where it is live. Answers undefined where there is none. */
  end(id: string, reason: EndReason): Promise<SessionEnd | undefined>;

  /**
   * Ends the live sessions of a user, all but `except` where that is given, by a constant number of rows however many there
   * are. Each is found as ended at this time and for this reason from then on. Answers whether there is such a user.
   */
  endAll(userId: string, reason: EndReason, except: string | undefined): Promise<boolean>;

  /**
   * Deletes sessions of a user beyond `keep` that have not been ended, at most `limit`: first those that have expired, then
   * the oldest. Answers those that were live.
   */
  evict(userId: string, keep: number, limit: number): Promise<string[]>;

  /**
   * Writes what `endAll` has done into the rows of up to `limit` sessions. It changes nothing that is read. Answers whether
   * there may be more to write.
   */
  settle(limit: number): Promise<boolean>;

  /** Forgets up to `limit` sessions whose purge time has come. Answers how many. */
  sweep(limit: number): Promise<number>;
}

/** A refresh token that is to be used. */
export interface RefreshAttempt {
  readonly id: string;
  readonly generation: number;
  /** Only if the session was begun by this caller. Undefined: whoever began it. */
  readonly caller: string | undefined;
}

/** Changes of sessions that are each one statement, which writes their event too, and a transaction of its own: one round trip. */
export interface SessionStatements {
  /**
   * Begins a session at generation 1, which forgets the failed attempts of its account, where its user is active and the
   * password hash is still the same: undefined otherwise. Said again with the same id, it answers the session that it
   * began, unless all sessions of the user were ended since. Where it answers a session, the event is
   * there, once.
   */
  begin(session: NewSession, limits: SessionLimits, event: NewEvent): Promise<SessionAt | undefined>;

  /**
   * Uses the refresh token of a generation, where the session is live, its user active, and its caller the one that is
   * asked for: undefined otherwise. The session's own generation is counted up by one. The one before it is answered like
   * that once more while the leeway lasts. Any older one ends the session, which is answered as revoked. Where it changes
   * the session, it writes the event, about the session and its user; where it ends it, as "refresh-token.reused", refused
   * for REFRESH_TOKEN_INVALID. The first three repetitions within a leeway write it as "refresh-token.repeated".
   */
  refresh(attempt: RefreshAttempt, limits: SessionLimits, event: NewEvent): Promise<SessionAt | undefined>;
}
