import type { UserRecord } from "./user-record.ts";

/** A record as a text that no other record has. The order of attributes, which the wire does not keep, is left out. */
export function recordText(record: UserRecord): string {
  const {
    id,
    email,
    username,
    displayName,
    attributes,
    passwordHash,
    createTime,
    suspension,
    deleteTime,
    ...none
  } = record;
  // A field that is new and not in the text would be one in which two records could differ unseen.
  none satisfies Record<string, never>;
  // JSON has an undefined item as null, which no field is. A list of values takes a tenth of an object whose keys are sorted.
  return JSON.stringify([
    id,
    email,
    username,
    displayName,
    Object.entries(attributes).sort(byKey),
    passwordHash,
    createTime,
    suspension && [suspension.reason, suspension.startTime, suspension.untilTime],
    deleteTime,
  ]);
}

function byKey([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}
