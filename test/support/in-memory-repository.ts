import { randomUUID } from "node:crypto";
import type { Deadline } from "../../src/domain/call.ts";
import { DomainError } from "../../src/domain/errors.ts";
import {
  type NewUser,
  now,
  User,
  type UserDraft,
  type UserProfile,
  type UserRow,
} from "../../src/domain/user/user.ts";
import { keysOf } from "../../src/domain/user/user-reference.ts";
import type { CredentialRepository } from "../../src/interfaces/relationaldb/credential-repository.ts";
import type {
  Readers,
  RelationalRepository,
  Repositories,
  Statements,
} from "../../src/interfaces/relationaldb/relational-repository.ts";
import type {
  ConcludedRequest,
  RequestRepository,
} from "../../src/interfaces/relationaldb/request-repository.ts";
import type {
  UserKey,
  UserQuery,
  UserRepository,
} from "../../src/interfaces/relationaldb/user-repository.ts";
import { attemptStatements, attempts } from "./in-memory-attempts.ts";
import { devices } from "./in-memory-devices.ts";
import { events } from "./in-memory-events.ts";
import { serviceAccounts } from "./in-memory-service-accounts.ts";
import { isLiveSessionOf, sessionStatements, sessions } from "./in-memory-sessions.ts";
import { signingKeys } from "./in-memory-signing-keys.ts";
import { copyOf, noTables, stateOf, type Tables } from "./in-memory-tables.ts";

/**
 * The RelationalRepository in memory: the whole contract, with a clock that a test can move. Transactions and statements
 * run one after another on a copy of the tables, which takes their place when the work is done.
 */
export class InMemoryRepository implements RelationalRepository {
  #tables: Tables = noTables();
  #last: Promise<unknown> = Promise.resolve();
  readonly #clock: () => Date;

  constructor(clock: () => Date = () => new Date()) {
    this.#clock = clock;
  }

  read(call: Deadline): Readers {
    return this.#repositories(call, () => this.#tables);
  }

  transaction<T>(call: Deadline, work: (repositories: Repositories) => Promise<T>): Promise<T> {
    return this.#changing(call, (draft) => work(this.#repositories(call, () => draft)));
  }

  statement(call: Deadline): Statements {
    const change = <T>(work: (tables: Tables) => T) => this.#changing(call, async (draft) => work(draft));
    return {
      sessions: sessionStatements(change, this.#clock),
      attempts: attemptStatements(change, this.#clock, rowOf, isLiveSessionOf),
    };
  }

  /** Adds so many copies of a session at once, past the port. */
  seedSessions({ id }: { readonly id: string }, count: number): void {
    const { sessions } = this.#tables;
    const row = sessions.get(id);
    if (row === undefined) throw new Error("there is session not found");
    for (let i = 0; i < count; i++) {
      const copy = { ...row, id: randomUUID() };
      sessions.set(copy.id, copy);
    }
  }

  async assertWritable(call: Deadline): Promise<void> {
    call.signal.throwIfAborted();
  }

  #changing<T>(call: Deadline, work: (draft: Tables) => Promise<T>): Promise<T> {
    const change = this.#last.then(async () => {
      call.signal.throwIfAborted();
      const draft = copyOf(this.#tables);
      const result = await work(draft);
      call.signal.throwIfAborted();
      this.#tables = draft;
      return result;
    });
    this.#last = change.catch(() => {});
    return change;
  }

  #repositories(call: Deadline, tables: () => Tables): Repositories {
    const access = () => {
      call.signal.throwIfAborted();
      return tables();
    };
    return {
      users: users(access, this.#clock),
      credentials: credentials(access, this.#clock),
      requests: requests(access, this.#clock),
      sessions: sessions(access, this.#clock),
      signingKeys: signingKeys(access, this.#clock),
      serviceAccounts: serviceAccounts(access, this.#clock),
      events: events(access, this.#clock),
      attempts: attempts(access, this.#clock),
      devices: devices(access, this.#clock),
    };
  }
}

function users(tables: () => Tables, clock: () => Date): UserRepository {
  const read = (row: UserRow) => User.fromRow({ ...row, state: stateOf(row, clock()) });
  const write = (row: UserRow) => {
    assertUnique(tables(), row);
    tables().users.set(row.id, row);
    return read(row);
  };
  return {
    async find(key) {
      const row = rowOf(tables(), key);
      return row && read(row);
    },
    async findMany(keys) {
      const rows = keys.map((key) => rowOf(tables(), key)).filter((row) => row !== undefined);
      return [...new Map(rows.map((row) => [row.id, read(row)])).values()];
    },
    async findImportDigests(ids) {
      const all = tables().importDigests;
      return new Map(ids.flatMap((id) => (all.has(id) ? [[id, all.get(id) ?? ""] as const] : [])));
    },
    async list(query) {
      return [...tables().users.values()]
        .map(read)
        .filter((user) => isIn(user, query))
        .sort((a, b) => inOrder(a, b, query))
        .filter((user) => query.after === undefined || inOrder(user, query.after, query) > 0)
        .slice(0, query.limit);
    },
    async insert(id, profile) {
      const time = clock();
      return write({
        id,
        ...columns(profile),
        state: "active",
        createTime: time,
        updateTime: time,
        version: 1,
      });
    },
    async insertMany(given) {
      const time = clock();
      const free = given.filter((user) => keysOf(user).every((key) => rowOf(tables(), key) === undefined));
      for (const user of free) {
        tables().users.set(user.id, newRow(user, time));
        tables().importDigests.set(user.id, user.importDigest);
      }
      return free.map(({ id }) => id);
    },
    async update(user, draft) {
      const row = tables().users.get(user.id);
      if (row?.version !== user.version)
        throw new DomainError("CONTENTION", "the user was changed concurrently; retry the call");
      return write({ ...row, ...columns(draft), ...changes(draft, clock()), version: row.version + 1 });
    },
  };
}

function credentials(tables: () => Tables, clock: () => Date): CredentialRepository {
  return {
    async find(key) {
      const row = rowOf(tables(), key);
      if (row === undefined) return undefined;
      const user = User.fromRow({ ...row, state: stateOf(row, clock()) });
      return { user, passwordHash: tables().passwordHashes.get(row.id) };
    },
    async findHashes(userIds) {
      const all = tables().passwordHashes;
      return new Map(userIds.flatMap((id) => (all.has(id) ? [[id, all.get(id) ?? ""] as const] : [])));
    },
    async putMany(hashes) {
      for (const { userId, passwordHash } of hashes) tables().passwordHashes.set(userId, passwordHash);
    },
    async put(userId, passwordHash) {
      tables().passwordHashes.set(userId, passwordHash);
    },
    async replace(userId, current, passwordHash) {
      if (tables().passwordHashes.get(userId) !== current) return false;
      tables().passwordHashes.set(userId, passwordHash);
      return true;
    },
  };
}

function requests(tables: () => Tables, clock: () => Date): RequestRepository {
  const find = async (id: string): Promise<ConcludedRequest | undefined> => {
    const request = tables().requests.get(id);
    if (request === undefined) return undefined;
    const { fingerprint, secretHash, result } = request;
    return { id, fingerprint, secretHash, result };
  };
  return {
    find,
    async claim(request) {
      const earlier = await find(request.id);
      if (earlier) return earlier;
      tables().requests.set(request.id, { ...request, result: undefined, createTime: clock() });
      return undefined;
    },
    async conclude(id, result) {
      const request = tables().requests.get(id);
      if (request) tables().requests.set(id, { ...request, result });
    },
    async sweep(age, limit) {
      const before = clock().getTime() - age;
      const old = [...tables().requests.values()]
        .filter(({ createTime }) => createTime.getTime() < before)
        .sort((a, b) => a.createTime.getTime() - b.createTime.getTime())
        .slice(0, limit);
      for (const { id } of old) tables().requests.delete(id);
      return old.length;
    },
  };
}

function rowOf({ users }: Tables, key: UserKey): UserRow | undefined {
  if (key.kind === "id") return users.get(key.id);
  const column = key.kind === "email" ? "emailKey" : "usernameKey";
  return [...users.values()].find((row) => row[column] === key.key);
}

function assertUnique({ users }: Tables, row: UserRow): void {
  for (const other of users.values()) {
    if (other.id === row.id) continue;
    if (row.emailKey !== undefined && other.emailKey === row.emailKey) {
      throw new DomainError("EMAIL_TAKEN", "another user has this email");
    }
    if (row.usernameKey !== undefined && other.usernameKey === row.usernameKey) {
      throw new DomainError("USERNAME_TAKEN", "another user has this username");
    }
  }
}

function columns({ email, username, displayName, attributes }: UserProfile) {
  return {
    email: email?.value,
    emailKey: email?.key,
    username: username?.value,
    usernameKey: username?.key,
    displayName,
    attributes: { ...attributes },
  };
}

function newRow({ id, suspension, createTime, deleteTime, ...profile }: NewUser, time: Date): UserRow {
  const past = (given: Date | undefined) => (given === undefined || given > time ? time : given);
  return {
    id,
    ...columns(profile),
    suspendReason: suspension?.reason,
    suspendTime: suspension && past(suspension.startTime),
    suspendUntilTime: suspension?.untilTime,
    deleteTime: deleteTime && past(deleteTime),
    state: "active",
    createTime: past(createTime),
    updateTime: time,
    version: 1,
  };
}

function changes({ suspension, deleteTime }: UserDraft, time: Date) {
  const at = (value: Date | typeof now | undefined) => (value === now ? time : value);
  return {
    suspendReason: suspension?.reason,
    suspendTime: at(suspension?.startTime),
    suspendUntilTime: suspension?.untilTime,
    deleteTime: at(deleteTime),
    updateTime: time,
  };
}

function isIn(
  user: User,
  { state, createdAfter, createdBefore, emailPrefix, showDeleted }: UserQuery,
): boolean {
  return (
    (showDeleted || user.deleteTime === undefined) &&
    (state === undefined || user.state === state) &&
    (createdAfter === undefined || user.createTime >= createdAfter) &&
    (createdBefore === undefined || user.createTime < createdBefore) &&
    (emailPrefix === undefined || user.email?.key.startsWith(emailPrefix) === true)
  );
}

type Place = Pick<User, "id" | "createTime">;

function inOrder(a: Place, b: Place, { orderBy, descending }: UserQuery): number {
  const byTime = orderBy === "id" ? 0 : a.createTime.getTime() - b.createTime.getTime();
  const order = byTime !== 0 ? byTime : a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
  return descending ? -order : order;
}
