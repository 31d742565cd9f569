import type { NewEvent } from "../../domain/audit/event.ts";
import type { PageCursor } from "../../domain/page-tokens.ts";
import type { EndReason, Session, SessionLimits } from "../../domain/session/session.ts";

/** Whether a session is good at a moment of the database's clock. */
export interface SessionStatus {
  readonly id: string;
  readonly userId: string;
  /** The session is live and its user active. */
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

  /** Ends the live sessions of a user, all but `except` where that is given. Answers the ids of those that it has ended. */
  endAll(userId: string, reason: EndReason, except: string | undefined): Promise<string[]>;

  /** Forgets up to `limit` sessions whose purge time has come. Answers how many. */
  sweep(limit: number): Promise<number>;
}

/** Changes of sessions that are each one statement, which writes their event too, and a transaction of its own: one round trip. */
export interface SessionStatements {
  /**
   * Begins a session at generation 1, which forgets the failed attempts of its account, where its user is active and the password hash is still the same: undefined
   * otherwise. Said again with the same id, it answers the session that it began. Where it answers a session, the event is
   * there, once.
   */
  begin(session: NewSession, limits: SessionLimits, event: NewEvent): Promise<SessionAt | undefined>;

  /**
   * Uses the refresh token of a generation, where the session is live and its user active: undefined otherwise. The
   * session's own generation is counted up by one. The one before it is answered like that once more while the leeway
   * lasts. Any older one ends the session, which is answered as revoked. Where it changes the session, it writes the event,
   * about the session and its user; where it ends it, as "refresh-token.reused", refused for REFRESH_TOKEN_INVALID.
   */
  refresh(
    id: string,
    generation: number,
    limits: SessionLimits,
    event: NewEvent,
  ): Promise<SessionAt | undefined>;
}
