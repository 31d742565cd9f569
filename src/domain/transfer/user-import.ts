import type {
  RelationalRepository,
  Repositories,
} from "../../interfaces/relationaldb/relational-repository.ts";
import type { UserReader } from "../../interfaces/relationaldb/user-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import { type Call, ownerOf } from "../call.ts";
import { DomainError, invalidField } from "../errors.ts";
import { derivedId } from "../request/derived-id.ts";
import type { Fingerprint } from "../request/mutations.ts";
import { changedFieldsOf } from "../user/changed-fields.ts";
import { keysOf, namesOf } from "../user/user-reference.ts";
import { recordText } from "./record-text.ts";
import { type RefusedRow, refusedRow } from "./refused-row.ts";
import { type PlacedRecord, type SettledRows, settleRows, withoutRepeats } from "./settle-rows.ts";
import { type ParsedRecord, parseRecord, type RecordRules, type UserRecord } from "./user-record.ts";

/** The result of a row. */
export type ImportedRow =
  | {
      readonly userId: string;
      /** Whether an earlier run of the same import created the user. */
      readonly alreadyImported: boolean;
    }
  | { readonly refused: Pick<RefusedRow, "reason" | "message"> };

/** A row as a transport provides it. Returns the record, or throws a DomainError if the row is invalid. */
export type RowReader = () => UserRecord;

export interface ImportOptions {
  /** The caller's UUID for the import, or undefined. */
  readonly requestId: string | undefined;
  /** Whether to check the rows without importing them. */
  readonly validateOnly: boolean;
}

export interface ImportDependencies extends RecordRules {
  readonly repository: RelationalRepository;
  readonly fingerprint: Fingerprint;
  /**
   * A keyed digest of a text. The database keeps the digest of a row even after the user's password hash has changed;
   * without a key, the hash in the row could be guessed from it.
   */
  readonly digest: (text: string) => string;
  readonly events: AuditEvents;
  readonly newId: () => string;
  /** Yields: resolves after other pending work has run. */
  readonly nextTurn: () => Promise<void>;
}

/** Rows parsed before yielding the event loop: about two milliseconds. */
const readAtOnce = 25;

interface ReadRows {
  readonly records: readonly PlacedRecord[];
  readonly refused: readonly RefusedRow[];
}

type Outcome = Pick<SettledRows, "done" | "refused">;

/**
 * One import: batches of rows, in sequence, each in one transaction. A user stores a digest of the import's request id
 * and of the row that created it. An import can therefore be repeated with the same request id at any time, also with
 * corrected rows, in a different order or in different batches: a row whose user has the same digest is done.
 */
export class UserImport {
  readonly #dependencies: ImportDependencies;
  readonly #validateOnly: boolean;
  readonly #requestId: string;
  readonly #mostRows: number;
  #rows = 0;
  /** Digests of earlier rows. */
  readonly #seen = new Set<string>();
  /** Names of earlier rows, if rows are only checked. */
  readonly #checked = new Set<string>();

  constructor(
    dependencies: ImportDependencies,
    { requestId, validateOnly }: ImportOptions,
    mostRows: number,
  ) {
    this.#dependencies = dependencies;
    this.#validateOnly = validateOnly;
    // Without a request id from the caller, the import creates one, so that a batch recognises its rows if the result
    // of its commit was lost.
    this.#requestId = (requestId ?? dependencies.newId()).toLowerCase();
    this.#mostRows = mostRows;
  }

  /**
   * Imports the next rows: every row that can be imported or, if it throws, none. Returns the result of each row.
   * @throws INVALID_REQUEST if the import has too many rows
   */
  async add(call: Call, rows: readonly RowReader[]): Promise<ImportedRow[]> {
    if (this.#rows + rows.length > this.#mostRows) {
      throw invalidField("INVALID_REQUEST", "users", `at most ${this.#mostRows} rows in one import`);
    }
    const { records, refused } = await this.#read(call, rows);
    const settled = this.#validateOnly ? await this.#check(call, records) : await this.#make(call, records);
    this.#rows += rows.length;
    for (const { user } of records) this.#seen.add(user.importDigest);
    return toImportedRows(records, { done: settled.done, refused: [...refused, ...settled.refused] });
  }

  async #read(call: Call, rows: readonly RowReader[]): Promise<ReadRows> {
    const records: PlacedRecord[] = [];
    const refused: RefusedRow[] = [];
    const seen = new Set<string>();
    for (const [row, given] of rows.entries()) {
      if (row > 0 && row % readAtOnce === 0) await this.#dependencies.nextTurn();
      try {
        const parsed = await this.#parse(call, given());
        const { importDigest } = parsed.user;
        records.push({ row, ...parsed, isRepeat: this.#seen.has(importDigest) || seen.has(importDigest) });
        seen.add(importDigest);
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        refused.push(refusedRow(row, error));
      }
    }
    return { records, refused };
  }

  #parse(call: Call, record: UserRecord): Promise<ParsedRecord> {
    const { digest, fingerprint } = this.#dependencies;
    const importDigest = digest(
      JSON.stringify(["ImportUsers", ownerOf(call), this.#requestId, recordText(record)]),
    );
    const newId = () => derivedId(fingerprint, importDigest);
    return parseRecord(record, { importDigest, newId }, this.#dependencies);
  }

  /** What an import of the rows would do now, after the earlier rows. */
  async #check(call: Call, records: readonly PlacedRecord[]): Promise<Outcome> {
    const { users } = this.#dependencies.repository.read(call);
    return this.#settle(users, records, this.#checked);
  }

  #make(call: Call, records: readonly PlacedRecord[]): Promise<Outcome> {
    return this.#dependencies.repository.transaction(call, (repositories) =>
      this.#insert(call, repositories, records),
    );
  }

  /**
   * Adds the users that can be added. Rows whose names are unique within the batch go first; usually, these are all
   * rows.
   */
  async #insert(
    call: Call,
    { users, credentials, events }: Repositories,
    records: readonly PlacedRecord[],
  ): Promise<Outcome> {
    const { first, repeats } = withoutRepeats(records);
    const added = new Set(await users.insertMany(first.map(({ user }) => user)));
    const created = first.filter(({ user }) => added.has(user.id));
    const others = [...first.filter(({ user }) => !added.has(user.id)), ...repeats];
    const late = await this.#insertOthers(users, others, created);
    const made = [...created, ...late.accepted];
    await credentials.putMany(
      made.flatMap(({ user: { id: userId }, passwordHash }) =>
        passwordHash === undefined ? [] : [{ userId, passwordHash }],
      ),
    );
    await events.addNew(made.map((record) => this.#eventOf(call, record)));
    return late;
  }

  /** Adds the remaining users whose names are free, after checking. */
  async #insertOthers(
    users: Repositories["users"],
    others: readonly PlacedRecord[],
    created: readonly PlacedRecord[],
  ): Promise<SettledRows> {
    const records = others.toSorted((a, b) => a.row - b.row);
    const settled = await this.#settle(users, records, new Set(created.flatMap(({ user }) => namesOf(user))));
    const added = await users.insertMany(settled.accepted.map(({ user }) => user));
    if (added.length < settled.accepted.length) {
      throw new DomainError("CONTENTION", "another call has taken an id, an email or a username meanwhile");
    }
    return settled;
  }

  /** @param before names of earlier rows; names of these rows are added */
  async #settle(
    users: UserReader,
    records: readonly PlacedRecord[],
    before: Set<string>,
  ): Promise<SettledRows> {
    if (records.length === 0) return { accepted: [], done: [], refused: [] };
    const digests = await users.findImportDigests(records.map(({ user }) => user.id));
    const others = await users.findMany(records.flatMap(({ user }) => keysOf(user)));
    return settleRows(records, { users: new Set(others.flatMap(namesOf)), rows: before }, digests);
  }

  #eventOf(call: Call, { user, passwordHash }: PlacedRecord) {
    const changedFields = changedFieldsOf(undefined, user);
    if (passwordHash !== undefined) changedFields.push("password");
    return this.#dependencies.events.of(call, { type: "user.imported", userId: user.id, changedFields });
  }
}

/** Results by row index. Records and refused rows together cover every row. */
function toImportedRows(records: readonly PlacedRecord[], { done, refused }: Outcome): ImportedRow[] {
  const rows: ImportedRow[] = [];
  for (const { row, user } of records) rows[row] = { userId: user.id, alreadyImported: false };
  for (const { row, user } of done) rows[row] = { userId: user.id, alreadyImported: true };
  for (const { row, reason, message } of refused) rows[row] = { refused: { reason, message } };
  return rows;
}
