import type {
  RelationalRepository,
  Repositories,
} from "../../interfaces/relationaldb/relational-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import { type Call, ownerOf } from "../call.ts";
import { DomainError, invalidField } from "../errors.ts";
import { derivedId } from "../request/derived-id.ts";
import type { Fingerprint, Mutations } from "../request/mutations.ts";
import { changedFieldsOf } from "../user/changed-fields.ts";
import { keysOf, namesOf } from "../user/user-reference.ts";
import { type RefusedRow, refusedRow } from "./refused-row.ts";
import { type PlacedRecord, settleRows, withoutRepeats } from "./settle-rows.ts";
import { parseRecord, type RecordRules, type UserRecord } from "./user-record.ts";

/** What became of a row. */
export type ImportedRow =
  | {
      readonly userId: string;
      /** Whether an earlier run of the same import has created the user. */
      readonly alreadyImported: boolean;
    }
  | { readonly refused: Pick<RefusedRow, "reason" | "message"> };

/** A row as a door has it. Answers the record, or throws a DomainError where there is none in it. */
export type GivenRow = () => UserRecord;

export interface ImportOptions {
  /** The caller's UUID for the import, or undefined. */
  readonly requestId: string | undefined;
  /** Whether rows are only checked. */
  readonly validateOnly: boolean;
}

export interface ImportDependencies extends RecordRules {
  readonly repository: RelationalRepository;
  readonly mutations: Mutations;
  readonly fingerprint: Fingerprint;
  readonly events: AuditEvents;
  readonly newId: () => string;
  /** Resolves when everybody else has had a turn. */
  readonly nextTurn: () => Promise<void>;
}

/** Rows that are read before others get a turn: about two milliseconds. */
const readAtOnce = 25;

interface ReadRows {
  /** By row, the id that its user has or would have. */
  readonly ids: readonly string[];
  readonly records: readonly PlacedRecord[];
  readonly refused: readonly RefusedRow[];
  /** A digest of each row as it was given. */
  readonly digests: readonly string[];
}

/**
 * One import: batches of rows, one after another. A batch is one transaction with a request id that follows from the
 * import's and from its place, so that an import that was cut off can be sent again from the beginning: what was made is
 * answered as it was, and the rest is made.
 */
export class UserImport {
  readonly #dependencies: ImportDependencies;
  readonly #validateOnly: boolean;
  readonly #requestId: string;
  readonly #mostRows: number;
  #batches = 0;
  #rows = 0;
  /** Names of the rows that were only checked. */
  readonly #checked = new Set<string>();

  constructor(
    dependencies: ImportDependencies,
    { requestId, validateOnly }: ImportOptions,
    mostRows: number,
  ) {
    this.#dependencies = dependencies;
    this.#validateOnly = validateOnly;
    this.#requestId = (requestId ?? dependencies.newId()).toLowerCase();
    this.#mostRows = mostRows;
  }

  /**
   * Imports the next rows, all of those that can be or, where it throws, none. Answers what became of each.
   * @throws INVALID_REQUEST where the import has too many rows; REQUEST_ID_REUSED where its request id was used for others
   */
  async add(call: Call, rows: readonly GivenRow[]): Promise<ImportedRow[]> {
    if (this.#rows + rows.length > this.#mostRows) {
      throw invalidField("INVALID_REQUEST", "users", `at most ${this.#mostRows} rows in one import`);
    }
    const batch = await this.#read(call, rows);
    const refused = this.#validateOnly ? await this.#check(call, batch) : await this.#make(call, batch);
    this.#rows += rows.length;
    this.#batches += 1;
    const refusals = new Map(refused.map(({ row, reason, message }) => [row, { reason, message }]));
    return batch.ids.map((userId, row) => {
      const refusal = refusals.get(row);
      return refusal === undefined ? { userId, alreadyImported: false } : { refused: refusal };
    });
  }

  async #read(call: Call, rows: readonly GivenRow[]): Promise<ReadRows> {
    const ids: string[] = [];
    const records: PlacedRecord[] = [];
    const refused: RefusedRow[] = [];
    const digests: string[] = [];
    for (const [row, given] of rows.entries()) {
      if (row > 0 && row % readAtOnce === 0) await this.#dependencies.nextTurn();
      const place = ["ImportUsers", ownerOf(call), this.#requestId, this.#rows + row];
      const newId = () => derivedId(this.#dependencies.fingerprint, place);
      try {
        const record = given();
        digests.push(this.#dependencies.fingerprint(record));
        const parsed = await parseRecord(record, newId, this.#dependencies);
        ids.push(parsed.user.id);
        records.push({ row, ...parsed });
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        ids.push("");
        if (digests.length === row) digests.push(error.message);
        refused.push(refusedRow(row, error));
      }
    }
    return { ids, records, refused, digests };
  }

  /** What would be refused now, after the rows before. */
  async #check(call: Call, { records, refused }: ReadRows): Promise<readonly RefusedRow[]> {
    const { users } = this.#dependencies.repository.read(call);
    const others = await users.findMany(records.flatMap(({ user }) => keysOf(user)));
    const taken = new Set([...this.#checked, ...others.flatMap(namesOf)]);
    const settled = settleRows(records, taken);
    for (const name of settled.accepted.flatMap(({ user }) => namesOf(user))) this.#checked.add(name);
    return [...refused, ...settled.refused];
  }

  #make(call: Call, { records, refused, digests }: ReadRows): Promise<readonly RefusedRow[]> {
    const { fingerprint, mutations } = this.#dependencies;
    const requestId = derivedId(fingerprint, ["ImportUsers batch", this.#requestId, this.#batches]);
    const mutation = { requestId, method: "ImportUsers", content: digests };
    return mutations.batchOnce(call, mutation, async (repositories) => {
      const settled = await this.#insert(call, repositories, records);
      return [...refused, ...settled];
    });
  }

  /** Adds the users that can be. Those whose names nobody else in the batch has go first: most often, all of them. */
  async #insert(
    call: Call,
    { users, credentials, events }: Repositories,
    records: readonly PlacedRecord[],
  ): Promise<readonly RefusedRow[]> {
    const { first, repeats } = withoutRepeats(records);
    const added = new Set(await users.insertMany(first.map(({ user }) => user)));
    const others = [...first.filter(({ user }) => !added.has(user.id)), ...repeats];
    const late = await this.#settle(
      users,
      others.sort((a, b) => a.row - b.row),
    );
    const made = [...first.filter(({ user }) => added.has(user.id)), ...late.accepted];
    await credentials.putMany(
      made.flatMap(({ user: { id: userId }, passwordHash }) =>
        passwordHash === undefined ? [] : [{ userId, passwordHash }],
      ),
    );
    await events.add(...made.map((record) => this.#eventOf(call, record)));
    return late.refused;
  }

  /** Adds those of the users that find their names free, having looked. */
  async #settle(users: Repositories["users"], records: readonly PlacedRecord[]) {
    if (records.length === 0) return { accepted: [], refused: [] };
    const others = await users.findMany(records.flatMap(({ user }) => keysOf(user)));
    const settled = settleRows(records, new Set(others.flatMap(namesOf)));
    const added = await users.insertMany(settled.accepted.map(({ user }) => user));
    if (added.length < settled.accepted.length) {
      throw new DomainError("CONTENTION", "another call has taken an id, an email or a username meanwhile");
    }
    return settled;
  }

  #eventOf(call: Call, { user, passwordHash }: PlacedRecord) {
    const changedFields = changedFieldsOf(undefined, user);
    if (passwordHash !== undefined) changedFields.push("password");
    return this.#dependencies.events.of(call, { type: "user.imported", userId: user.id, changedFields });
  }
}
