import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { AuditEvent, EventType, Outcome } from "../../domain/audit/event.ts";
import type { EventFilter } from "../../domain/audit/event-service.ts";
import { Event_Outcome, Event_Type, type EventSchema } from "../../gen/auth/v1/event_pb.ts";
import type { EventFilter as EventFilterMessage } from "../../gen/auth/v1/event_service_pb.ts";
import { emptyToUndefined } from "./empty-to-undefined.ts";

const types: Record<EventType, Event_Type> = {
  "user.created": Event_Type.USER_CREATED,
  "user.updated": Event_Type.USER_UPDATED,
  "user.deleted": Event_Type.USER_DELETED,
  "user.undeleted": Event_Type.USER_UNDELETED,
  "user.suspended": Event_Type.USER_SUSPENDED,
  "user.unsuspended": Event_Type.USER_UNSUSPENDED,
  "user.imported": Event_Type.USER_IMPORTED,
  "password.set": Event_Type.PASSWORD_SET,
  "password.changed": Event_Type.PASSWORD_CHANGED,
  "password.rehashed": Event_Type.PASSWORD_REHASHED,
  "password.verified": Event_Type.PASSWORD_VERIFIED,
  "password-hashes.exported": Event_Type.PASSWORD_HASHES_EXPORTED,
  "session.begun": Event_Type.SESSION_BEGUN,
  "session.refreshed": Event_Type.SESSION_REFRESHED,
  "session.revoked": Event_Type.SESSION_REVOKED,
  "refresh-token.reused": Event_Type.REFRESH_TOKEN_REUSED,
  "refresh-token.repeated": Event_Type.REFRESH_TOKEN_REPEATED,
  "session.evicted": Event_Type.SESSION_EVICTED,
  "user-sessions.revoked": Event_Type.USER_SESSIONS_REVOKED,
  "service-account.created": Event_Type.SERVICE_ACCOUNT_CREATED,
  "service-account.updated": Event_Type.SERVICE_ACCOUNT_UPDATED,
  "service-account.disabled": Event_Type.SERVICE_ACCOUNT_DISABLED,
  "service-account.enabled": Event_Type.SERVICE_ACCOUNT_ENABLED,
  "service-account.deleted": Event_Type.SERVICE_ACCOUNT_DELETED,
  "service-account-key.created": Event_Type.SERVICE_ACCOUNT_KEY_CREATED,
  "service-account-key.disabled": Event_Type.SERVICE_ACCOUNT_KEY_DISABLED,
  "service-account-key.deleted": Event_Type.SERVICE_ACCOUNT_KEY_DELETED,
  "signing-key.added": Event_Type.SIGNING_KEY_ADDED,
  "signing-key.revoked": Event_Type.SIGNING_KEY_REVOKED,
  "account.locked": Event_Type.ACCOUNT_LOCKED,
  "account.unlocked": Event_Type.ACCOUNT_UNLOCKED,
};

const outcomes: Record<Outcome, Event_Outcome> = {
  success: Event_Outcome.SUCCESS,
  failure: Event_Outcome.FAILURE,
  refused: Event_Outcome.REFUSED,
};

const typesByNumber = inverse(types);
const outcomesByNumber = inverse(outcomes);

/** Converts an event to its message. */
export function toEventMessage(event: AuditEvent): MessageInitShape<typeof EventSchema> {
  return {
    id: event.id,
    createTime: timestampFromDate(event.createTime),
    // A later release that writes to the same database may know more types.
    type: types[event.type] ?? Event_Type.UNSPECIFIED,
    outcome: outcomes[event.outcome],
    reason: event.reason ?? "",
    userId: event.userId ?? "",
    objectId: event.objectId,
    changedFields: [...event.changedFields],
    caller: event.caller,
    address: event.address,
    clientAddress: event.clientAddress,
    requestId: event.requestId,
  };
}

/** Converts the filter of a request. */
export function toEventFilter(filter: EventFilterMessage | undefined): EventFilter {
  return {
    userId: emptyToUndefined(filter?.userId),
    // The schema refuses unknown types.
    types: (filter?.types ?? []).flatMap((type) => typesByNumber.get(type) ?? []),
    outcome: outcomesByNumber.get(filter?.outcome ?? Event_Outcome.UNSPECIFIED),
    caller: emptyToUndefined(filter?.caller),
  };
}

function inverse<Name extends string, Value>(values: Record<Name, Value>): ReadonlyMap<Value, Name> {
  return new Map((Object.entries(values) as [Name, Value][]).map(([name, value]) => [value, name]));
}
