import type { Call } from "../call.ts";
import type { Reason } from "../errors.ts";

/** What can happen. The name is what was done or, for an attempt without success, what was attempted. */
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

/** `success`: done. `failure`: attempted, but wrong. `refused`: not attempted, because it was not allowed. */
export type Outcome = "success" | "failure" | "refused";

/**
 * An event to be written: who did what to whom, from where, and with which outcome. Holds only names and ids: no
 * values, no secrets, and no text that a person typed.
 */
export interface NewEvent {
  /**
   * UUID. Created before the transaction, so that the event is written once however often the transaction is retried.
   */
  readonly id: string;
  readonly type: EventType;
  readonly outcome: Outcome;
  /** Why the outcome is not a success. */
  readonly reason: Reason | undefined;
  /** The user that the event concerns, if there is one and it is known. */
  readonly userId: string | undefined;
  /** What else the event concerns: the id of a session or a key. Empty if it concerns the user alone. */
  readonly objectId: string;
  /** Names of the changed fields, as in the API. */
  readonly changedFields: readonly string[];
  /** The caller, as in Origin. */
  readonly caller: string;
  /** IP address of the caller. Empty if there is no connection. */
  readonly address: string;
  /** IP address of the person's client, as reported by the caller. May be empty. */
  readonly clientAddress: string;
  /** Identifies the call in the log. Empty if there is none. */
  readonly requestId: string;
  readonly keptForMs: number;
}

/** A stored event. */
export interface AuditEvent extends Omit<NewEvent, "reason" | "userId" | "keptForMs"> {
  /** If the outcome is not a success: a Reason of the release that wrote the event. */
  readonly reason?: string | undefined;
  readonly userId?: string | undefined;
  /** By the database's clock. */
  readonly createTime: Date;
}

/** An event with its position: 1 for the first, without gaps. */
export interface PlacedEvent extends AuditEvent {
  readonly position: number;
}

/** What happened, as described by the code that does it. */
export interface EventDetails {
  readonly type: EventType;
  /** Default: success. */
  readonly outcome?: Outcome;
  readonly reason?: Reason | undefined;
  readonly userId?: string | undefined;
  readonly objectId?: string;
  readonly changedFields?: readonly string[];
  /** IP address of the person's client. */
  readonly clientAddress?: string;
}

/** Creates the events of calls. */
export class AuditEvents {
  readonly #newId: () => string;
  readonly #keptForMs: number;

  constructor(newId: () => string, keptForMs: number) {
    this.#newId = newId;
    this.#keptForMs = keptForMs;
  }

  /** Creates an event of a call. */
  of({ origin }: Call, happening: EventDetails): NewEvent {
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
