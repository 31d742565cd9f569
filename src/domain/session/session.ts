import { DomainError } from "../errors.ts";

export type SessionState = "live" | "expired" | "revoked";

/** Why a session was ended before its time. */
export type EndReason =
  | "revoked"
  | "user-suspended"
  | "user-deleted"
  | "password-changed"
  | "refresh-token-reused";

/** What a person signs in with, as the calling service tells it. */
export interface Client {
  /** The `client_id` of the tokens (RFC 9068 §2.2): the application. */
  readonly id: string;
  /** For the person to tell their sessions apart: "Ada's phone". May be empty. */
  readonly displayName: string;
  readonly userAgent: string;
  readonly ipAddress: string;
}

/**
 * A session as an adapter hands it over: one flat record, absent values undefined, times in whole milliseconds. `state` is
 * decided by the database's clock in the statement that answered the row.
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

/** One sign-in of one user with one client, until it ends. */
export class Session {
  readonly id: string;
  readonly userId: string;
  /** Who began it, as in Origin: the only caller that may refresh it without another permission (RFC 9700 §2.2.2). */
  readonly caller: string;
  /** Who its access tokens are for (RFC 9068 `aud`). */
  readonly audience: string;
  readonly client: Client;
  readonly state: SessionState;
  /** Counts the refresh tokens: the one of this generation is the one to use. */
  readonly generation: number;
  readonly createTime: Date;
  /** When the refresh token of this generation was made. */
  readonly refreshTime: Date;
  /** When it ends unless it is refreshed before. Never later than `expireTime`. */
  readonly idleExpireTime: Date;
  /** When it ends however often it is refreshed. */
  readonly expireTime: Date;
  /** When and why it was ended before its time. */
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

/** How long sessions may last (NIST 800-63B-4 §5.2), in milliseconds, and how many there may be. */
export interface SessionLimits {
  /** Without a refresh. */
  readonly idleMs: number;
  /** In all. */
  readonly absoluteMs: number;
  /** For how long after a refresh the token that it used up is answered with the same successor again. */
  readonly leewayMs: number;
  /** Of one user. */
  readonly perUser: number;
}

export function sessionNotFound(): DomainError {
  return new DomainError("SESSION_NOT_FOUND", "session not found");
}
