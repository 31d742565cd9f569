import { randomUUID } from "node:crypto";
import { AuditEvents, type NewEvent } from "../../src/domain/audit/event.ts";
import { aCall } from "./calls.ts";

const day = 24 * 3_600_000;

export const auditEvents = new AuditEvents(randomUUID, 90 * day);

/** An event that a test has no interest in, or only in what it changes. */
export function anEvent(changes: Partial<NewEvent> = {}): NewEvent {
  return { ...auditEvents.of(aCall(), { type: "user.updated", userId: randomUUID() }), ...changes };
}
