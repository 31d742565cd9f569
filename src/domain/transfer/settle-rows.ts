import { DomainError } from "../errors.ts";
import { namesOf } from "../user/user-reference.ts";
import { type RefusedRow, refusedRow } from "./refused-row.ts";
import type { ParsedRecord } from "./user-record.ts";

/** A record in its place: 0 for the first of its batch. */
export interface PlacedRecord extends ParsedRecord {
  readonly row: number;
}

export interface SettledRows {
  readonly accepted: readonly PlacedRecord[];
  readonly refused: readonly RefusedRow[];
}

/**
 * Which records become users, as if one came after the other: each takes its id and its keys from those behind it, and one
 * that is refused takes nothing.
 * @param taken names that others have, to which those of the accepted are added
 */
export function settleRows(records: readonly PlacedRecord[], taken: Set<string>): SettledRows {
  const accepted: PlacedRecord[] = [];
  const refused: RefusedRow[] = [];
  for (const record of records) {
    const names = namesOf(record.user);
    const name = names.find((each) => taken.has(each));
    if (name !== undefined) {
      refused.push(refusedRow(record.row, nameTaken(name)));
      continue;
    }
    for (const each of names) taken.add(each);
    accepted.push(record);
  }
  return { accepted, refused };
}

/** Those that share no name with one before them, and the others. */
export function withoutRepeats(records: readonly PlacedRecord[]) {
  const seen = new Set<string>();
  const first: PlacedRecord[] = [];
  const repeats: PlacedRecord[] = [];
  for (const record of records) {
    const names = namesOf(record.user);
    (names.some((name) => seen.has(name)) ? repeats : first).push(record);
    for (const name of names) seen.add(name);
  }
  return { first, repeats };
}

function nameTaken(name: string): DomainError {
  if (name.startsWith("id:")) return new DomainError("USER_ID_TAKEN", "another user has this id");
  if (name.startsWith("email:")) return new DomainError("EMAIL_TAKEN", "another user has this email");
  return new DomainError("USERNAME_TAKEN", "another user has this username");
}
