import { randomBytes, randomUUID } from "node:crypto";
import { type DatabasePool, sql } from "slonik";
import { DomainError } from "../../src/domain/errors.ts";
import type { User } from "../../src/domain/user/user.ts";
import { WrappingKeys } from "../../src/infrastructure/crypto/wrapping-keys.ts";
import { findConnectionRoom } from "../../src/infrastructure/db/connection-room.ts";
import { probeDatabase } from "../../src/infrastructure/db/database-probe.ts";
import { describeRole, findMissingRights } from "../../src/infrastructure/db/database-role.ts";
import { allMigrations } from "../../src/infrastructure/db/migrations/all-migrations.ts";
import { findForeignTables } from "../../src/infrastructure/db/ownership.ts";
import { sharedSecret, storedSecrets } from "../../src/infrastructure/db/shared-secret.ts";
import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import type { UserKey } from "../../src/interfaces/relationaldb/user-repository.ts";
import { aCall } from "../support/calls.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { WireProxy } from "../support/wire-proxy.ts";
import { everyAttemptQuery, everyAttemptStatement } from "./every-attempt-query.ts";
import { everyCallerQuery } from "./every-caller-query.ts";
import { type EventArguments, everyEventQuery } from "./every-event-query.ts";
import { everyQuery, type Query } from "./every-query.ts";
import { everySessionQuery, everyStatementQuery, type SessionArguments } from "./every-session-query.ts";
import { withNumberedParameters } from "./recorded-run.ts";

/**
 * Every statement that the service can send to its database, each once, as it goes over the wire: a database is
 * migrated from nothing, and every query is made there, behind a proxy that writes down what passes.
 */
export async function everyStatement(): Promise<string[]> {
  const database = await createTestDatabase();
  const proxy = await WireProxy.start(database.uri);
  const disguised = await WireProxy.start(database.uri, { as: "cockroachdb" });
  let pool: DatabasePool | undefined;
  try {
    pool = await openMigratedPool(proxy.uri, 3);
    const repository = new CockroachRepository(pool);
    await repository.assertWritable(aCall());
    await pool.query(sql.unsafe`delete from leases`);
    const other = await openMigratedPool(disguised.uri, 2);
    await new CockroachRepository(other).assertWritable(aCall());
    await other.end();
    await describeRole(pool);
    await findMissingRights(pool);
    await findForeignTables(pool);
    await findConnectionRoom(pool);
    const [current, next] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
    await sharedSecret(pool, WrappingKeys.parse(current), "made");
    await sharedSecret(pool, WrappingKeys.parse(`${next} ${current}`), "made");
    await storedSecrets(pool);
    await probeDatabase(pool);
    await readEverything(repository, await insertUser(repository));
    await makeEveryQuery(repository, await insertUser(repository));
    await makeEveryEventQuery(repository, await insertUser(repository));
    await makeEverySessionQuery(repository, await insertUser(repository));
    await makeEveryCallerQuery(repository);
    await makeEveryAttemptQuery(repository, await insertUser(repository));
    return [...new Set([...proxy.statements, ...disguised.statements, ...migrationStatements()])];
  } finally {
    await pool?.end();
    await proxy[Symbol.asyncDispose]();
    await disguised[Symbol.asyncDispose]();
    await database.drop();
  }
}

/** The statements of every step: one that is for CockroachDB only is not made here. */
function migrationStatements(): string[] {
  return allMigrations
    .flatMap(({ statement, refusal, verify }) => [
      statement,
      ...(refusal ? [refusal.count] : []),
      ...(verify ? [verify] : []),
    ])
    .map(({ sql }) => withNumberedParameters(sql));
}

async function insertUser(repository: CockroachRepository): Promise<User> {
  const id = randomUUID();
  return repository.transaction(aCall(), ({ users }) =>
    users.insert(id, {
      email: { value: `${id}@example.com`, key: `${id}@example.com` },
      username: { value: id, key: id },
      displayName: "Ada",
      attributes: {},
    }),
  );
}

/** Reads that are statements of their own. */
async function readEverything(repository: CockroachRepository, user: User): Promise<void> {
  const { users, credentials, requests } = repository.read(aCall());
  const keys = keysOf(user);
  await Promise.all(keys.map((key) => users.find(key)));
  for (const key of keys) {
    await users.find(key);
    await credentials.find(key);
  }
  await users.findMany(keys);
  await requests.find(randomUUID());
}

/** Every query: a list is a statement of its own, every other is made in a transaction. */
async function makeEveryQuery(repository: CockroachRepository, user: User): Promise<void> {
  const { id: userWithoutPassword } = await insertUser(repository);
  const queries = everyQuery({
    user,
    userWithoutPassword,
    newId: randomUUID,
    keys: keysOf(user),
    cursors: [undefined, user],
    createdAfter: new Date(0),
    createdBefore: new Date(),
    emailPrefixes: ["a"],
    limit: 51,
  });
  const [withPrefix] = queries.flatMap(({ list }) => (list?.emailPrefix ? [list] : []));
  // The prefix of everything has no end.
  if (withPrefix) await repository.read(aCall()).users.list({ ...withPrefix, emailPrefix: "" });
  for (const { list, run } of queries) {
    if (list) await repository.read(aCall()).users.list(list);
    else await repository.transaction(aCall(), (repositories) => attempt(run(repositories)));
  }
  await attempt(repository.transaction(aCall(), () => Promise.reject(new DomainError("CONTENTION", "no"))));
}

/** Every query of sessions and signing keys: those that are statements of their own first. */
async function makeEverySessionQuery(repository: CockroachRepository, user: User): Promise<void> {
  const passwordHash = "hash";
  await repository.transaction(aCall(), ({ credentials }) => credentials.put(user.id, passwordHash));
  const given: SessionArguments = {
    userId: user.id,
    passwordHash,
    live: [{ id: randomUUID(), generation: 1 }],
    cursors: [undefined, user],
    newId: randomUUID,
  };
  for (const { run } of everyStatementQuery(given)) await run(repository.statement(aCall()));
  for (const { run } of everySessionQuery(given)) await repository.transaction(aCall(), run);
}

/** Every query of service accounts, on an account that has a key. */
async function makeEveryCallerQuery(repository: CockroachRepository): Promise<void> {
  const [accountId, keyId] = [randomUUID(), randomUUID()];
  const place = { id: accountId, createTime: new Date() };
  await repository.transaction(aCall(), async ({ serviceAccounts }) => {
    await serviceAccounts.insert({ id: accountId, name: "sql", displayName: "", roles: [] });
    const key = {
      id: keyId,
      accountId,
      displayName: "",
      creator: "cli:ops",
      digest: Buffer.from("digest"),
      expireTime: undefined,
    };
    await serviceAccounts.insertKey(key);
  });
  const given = { accountId, keyId, cursors: [undefined, place], newId: randomUUID };
  for (const { run } of everyCallerQuery(given)) await repository.transaction(aCall(), run);
}

/** Every query of attempts. */
async function makeEveryAttemptQuery(repository: CockroachRepository, user: User): Promise<void> {
  const given = { userId: user.id, keys: keysOf(user), newId: randomUUID };
  for (const { run } of everyAttemptStatement(given)) await run(repository.statement(aCall()));
  for (const { run } of everyAttemptQuery(given)) await repository.transaction(aCall(), run);
}

/** Every query of events. */
async function makeEveryEventQuery(repository: CockroachRepository, user: User): Promise<void> {
  const given: EventArguments = {
    userId: user.id,
    caller: "anonymous",
    deep: user,
    recent: user,
    position: 0,
  };
  for (const { run } of everyEventQuery(given)) await repository.transaction(aCall(), run);
}

/** Waits for a query. A user that was changed by the query before is no failure here: the statement was sent. */
async function attempt(query: ReturnType<Query["run"]>): Promise<void> {
  await query.catch((error: unknown) => {
    if (!(error instanceof DomainError && error.reason === "CONTENTION")) throw error;
  });
}

function keysOf({ id, email, username }: User): UserKey[] {
  return [
    { kind: "id", id },
    { kind: "email", key: email?.key ?? "" },
    { kind: "username", key: username?.key ?? "" },
  ];
}
