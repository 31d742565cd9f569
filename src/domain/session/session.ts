import { DomainError } from "../errors.ts";

export type SessionState = "live" | "expired" | "revoked";

/** Why a session was ended before it expired. */
export type EndReason =
  | "revoked"
  | "user-suspended"
  | "user-deleted"
  | "password-changed"
  | "refresh-token-reused";

/** The client that a person signs in with, as reported by the calling service. */
export interface Client {
  /** The application: the `client_id` of the tokens (RFC 9068 §2.2). */
  readonly id: string;
  /** Helps people to tell their sessions apart: "Ada's phone". May be empty. */
  readonly displayName: string;
  readonly userAgent: string;
  readonly ipAddress: string;
}

/**
 * A session as returned by a database adapter: one flat record, absent values undefined, times in whole milliseconds.
 * The database's clock determines `state`, in the statement that returned the row.
 */
export interface SessionRow {
  readonly id: string;
  readonly userId: string;
  readonly caller: string;
  readonly audience: string;
  readonly clientId: string;
  readonly clientDisplayName: string;
  readonly clientUserAgent: string;
  readonly clientIpAddress: string;
  readonly state: SessionState;
  readonly generation: number;
  readonly createTime: Date;
  readonly refreshTime: Date;
  readonly idleExpireTime: Date;
  readonly expireTime: Date;
  readonly endTime?: Date | undefined;
  readonly endReason?: EndReason | undefined;
}

/** One sign-in of a user with a client, until it ends. */
export class Session {
  readonly id: string;
  readonly userId: string;
  /**
   * The caller that began it, as in Origin. Only this caller may refresh it without an additional permission (RFC 9700
   * §2.2.2).
   */
  readonly caller: string;
  /** Audience of its access tokens (RFC 9068 `aud`). */
  readonly audience: string;
  readonly client: Client;
  readonly state: SessionState;
  /** Generation of the current refresh token. Incremented by every refresh. */
  readonly generation: number;
  readonly createTime: Date;
  /** When the current refresh token was issued. */
  readonly refreshTime: Date;
  /** When it expires without a further refresh. Never later than `expireTime`. */
  readonly idleExpireTime: Date;
  /** When it expires regardless of refreshes. */
  readonly expireTime: Date;
  /** When and why it was ended before it expired. */
  readonly endTime: Date | undefined;
  readonly endReason: EndReason | undefined;

  static fromRow(row: SessionRow): Session {
    return new Session(row);
  }

  private constructor(row: SessionRow) {
    this.id = row.id;
    this.userId = row.userId;
    this.caller = row.caller;
    this.audience = row.audience;
    this.client = {
      id: row.clientId,
      displayName: row.clientDisplayName,
      userAgent: row.clientUserAgent,
      ipAddress: row.clientIpAddress,
    };
    this.state = row.state;
    this.generation = row.generation;
    this.createTime = row.createTime;
    this.refreshTime = row.refreshTime;
    this.idleExpireTime = row.idleExpireTime;
    this.expireTime = row.expireTime;
    this.endTime = row.endTime;
    this.endReason = row.endReason;
  }
}

/** Limits on the lifetime of sessions (NIST 800-63B-4 §5.2), in milliseconds, and on their number. */
export interface SessionLimits {
  /** Maximum time without a refresh. */
  readonly idleMs: number;
  /** Maximum total time. */
  readonly absoluteMs: number;
  /** How long after a refresh the consumed token still returns the same successor. */
  readonly leewayMs: number;
  /** Maximum number per user. */
  readonly perUser: number;
}

export function sessionNotFound(): DomainError {
  return new DomainError("SESSION_NOT_FOUND", "session not found");
}
