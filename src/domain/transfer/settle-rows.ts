import { DomainError } from "../errors.ts";
import { namesOf } from "../user/user-reference.ts";
import { type RefusedRow, refusedRow } from "./refused-row.ts";
import type { ParsedRecord } from "./user-record.ts";

/** A record with its index in the batch. */
export interface PlacedRecord extends ParsedRecord {
  readonly row: number;
  /** Whether an earlier row of this import is identical. */
  readonly isRepeat: boolean;
}

export interface SettledRows {
  readonly accepted: readonly PlacedRecord[];
  /** Rows whose users were created by an earlier run of the import. */
  readonly done: readonly PlacedRecord[];
  readonly refused: readonly RefusedRow[];
}

/** Names that are taken before any of the rows. */
export interface NameOwners {
  /** Names of existing users. */
  readonly users: ReadonlySet<string>;
  /** Names of earlier rows. Names of accepted and done rows are added. */
  readonly rows: Set<string>;
}

/**
 * Decides about records one after the other. Each accepted or done record claims its id and keys; later records with
 * the same ones are refused. A refused record claims nothing.
 * @param digests import digests of users, by id
 */
export function settleRows(
  records: readonly PlacedRecord[],
  names: NameOwners,
  digests: ReadonlyMap<string, string>,
): SettledRows {
  const accepted: PlacedRecord[] = [];
  const done: PlacedRecord[] = [];
  const refused: RefusedRow[] = [];
  for (const record of records) {
    const { user, isRepeat } = record;
    const isDone = !isRepeat && digests.get(user.id) === user.importDigest;
    const refusal = isDone ? undefined : nameTaken(record, names);
    if (refusal !== undefined) {
      refused.push(refusedRow(record.row, refusal));
      continue;
    }
    for (const name of namesOf(user)) names.rows.add(name);
    (isDone ? done : accepted).push(record);
  }
  return { accepted, done, refused };
}

/** Splits records into those that share no name with an earlier one, and the rest. */
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

function nameTaken({ user, isRepeat }: PlacedRecord, { users, rows }: NameOwners): DomainError | undefined {
  const [id = "", ...keys] = namesOf(user);
  // An identical row has the same id, which may be one that the caller has never seen, so its other names come first.
  const name = (isRepeat ? [...keys, id] : [id, ...keys]).find((each) => users.has(each) || rows.has(each));
  if (name === undefined) return undefined;
  const [reason, label] = reasonOf(name);
  const message = rows.has(name)
    ? `an earlier row has the same ${label}`
    : `a user with this ${label} already exists`;
  return new DomainError(reason, message);
}

function reasonOf(name: string) {
  if (name.startsWith("id:")) return ["USER_ID_TAKEN", "id"] as const;
  if (name.startsWith("email:")) return ["EMAIL_TAKEN", "email"] as const;
  return ["USERNAME_TAKEN", "username"] as const;
}
