import type { Call } from "../call.ts";
import type { Reason } from "../errors.ts";

/** What can happen. A name says what was done, or, of an attempt that did not succeed, what was tried. */
export type EventType =
  | "user.created"
  | "user.imported"
  | "user.updated"
  | "user.deleted"
  | "user.undeleted"
  | "user.suspended"
  | "user.unsuspended"
  | "password.set"
  | "password.changed"
  | "password.rehashed"
  | "password.verified"
  | "password-hashes.exported"
  | "session.begun"
  | "session.refreshed"
  | "session.revoked"
  | "refresh-token.reused"
  | "refresh-token.repeated"
  | "session.evicted"
  | "user-sessions.revoked"
  | "service-account.created"
  | "service-account.updated"
  | "service-account.disabled"
  | "service-account.enabled"
  | "service-account.deleted"
  | "service-account-key.created"
  | "service-account-key.disabled"
  | "service-account-key.deleted"
  | "signing-key.added"
  | "signing-key.revoked"
  | "account.locked"
  | "account.unlocked";

/** What became of it: done; tried and wrong; or not even tried, because it was not allowed. */
export type Outcome = "success" | "failure" | "refused";

/**
 * An event that is to be written: who did what to whom, from where, and what became of it. Names and ids only: no value, no
 * secret, and nothing that somebody typed.
 */
export interface NewEvent {
  /** UUID. Made before the transaction, so that an event is written once however often its transaction runs. */
  readonly id: string;
  readonly type: EventType;
  readonly outcome: Outcome;
  /** Why it is no success. */
  readonly reason: Reason | undefined;
  /** For whom: the user that it is about, where there is one and it is known. */
  readonly userId: string | undefined;
  /** What else it is about: the id of a session or a key. Empty where it is about the user alone. */
  readonly objectId: string;
  /** Names of the fields that changed, as the API has them. */
  readonly changedFields: readonly string[];
  /** Who called, as in Origin. */
  readonly caller: string;
  /** IP address of the caller. Empty where nobody is connected. */
  readonly address: string;
  /** IP address of the person's client, as the caller tells it. May be empty. */
  readonly clientAddress: string;
  /** By which the log knows the call. Empty where there is none. */
  readonly requestId: string;
  readonly keptForMs: number;
}

/** An event that was written. */
export interface AuditEvent extends Omit<NewEvent, "reason" | "userId" | "keptForMs"> {
  /** Where it is no success: a Reason of the release that has written it. */
  readonly reason?: string | undefined;
  readonly userId?: string | undefined;
  /** By the database's clock. */
  readonly createTime: Date;
}

/** An event in its place: 1 for the first, without gaps. */
export interface PlacedEvent extends AuditEvent {
  readonly position: number;
}

/** What happened, as whoever does it tells it. */
export interface Happening {
  readonly type: EventType;
  /** A success where nothing else is said. */
  readonly outcome?: Outcome;
  readonly reason?: Reason | undefined;
  readonly userId?: string | undefined;
  readonly objectId?: string;
  readonly changedFields?: readonly string[];
  /** IP address of the person's client. */
  readonly clientAddress?: string;
}

/** Makes events of what happens in calls. */
export class AuditEvents {
  readonly #newId: () => string;
  readonly #keptForMs: number;

  constructor(newId: () => string, keptForMs: number) {
    this.#newId = newId;
    this.#keptForMs = keptForMs;
  }

  /** A new event of something that happens in a call. */
  of({ origin }: Call, happening: Happening): NewEvent {
    return {
      id: this.#newId(),
      type: happening.type,
      outcome: happening.outcome ?? "success",
      reason: happening.reason,
      userId: happening.userId,
      objectId: happening.objectId ?? "",
      changedFields: happening.changedFields ?? [],
      caller: origin.caller,
      address: origin.address,
      clientAddress: happening.clientAddress ?? "",
      requestId: origin.requestId,
      keptForMs: this.#keptForMs,
    };
  }
}
