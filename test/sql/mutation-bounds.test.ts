import { randomUUID } from "node:crypto";
import { Client } from "pg";
import type { DatabasePool } from "slonik";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { serviceDescriptors } from "../../src/interfaces/rpc/routes.ts";
import { seedSessions } from "../contract/seed-sessions.ts";
import { aCall } from "../support/calls.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { rpcOn } from "../support/rpc.ts";
import { audience, otherPassword, password } from "../support/services.ts";
import { WireProxy } from "../support/wire-proxy.ts";

type Rpc = ReturnType<typeof rpcOn>;

/** What there is before a mutation: of each kind that a caller can create, as many as it can, or a thousand. */
interface Given {
  readonly userId: string;
  readonly username: string;
  readonly sessionId: string;
  readonly refreshToken: string;
  readonly accountId: string;
  readonly keyIds: readonly string[];
}

interface Mutation {
  /** What its work grows with, and what bounds that. */
  readonly bound: string;
  /** Rows that it inserts, updates and deletes at most. */
  readonly rows: number;
  /** Statements that it sends at most, with those that begin and end transactions. */
  readonly statements: number;
  call(rpc: Rpc, given: Given): Promise<unknown>;
}

const many = 1_000;
const constant = "constant";
const keys = "keys of the account: at most 10 (TOO_MANY_KEYS)";
const attributes = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`key${i}`, "x".repeat(64)]));

/** Every method that only reads: pages, and batches whose size the schema bounds. test/sql/plans.test.ts bounds their plans. */
const reads = [
  "ValidatePassword",
  "ListEvents",
  "WatchEvents",
  "GetServiceAccount",
  "ListServiceAccounts",
  "ListServiceAccountKeys",
  "GetSession",
  "ListSessions",
  "IntrospectToken",
  "BatchIntrospectTokens",
  "GetJwks",
  "GetUser",
  "LookupUser",
  "BatchGetUsers",
  "ListUsers",
];

/** Every method that changes something. A new one that is missing here fails the first test: say what bounds its work. */
const mutations: Readonly<Record<string, Mutation>> = {
  VerifyPassword: {
    bound: constant,
    rows: 3,
    statements: 2,
    call: ({ authentication }, { username }) =>
      authentication.verifyPassword({ identifier: username, password }),
  },
  Authenticate: {
    bound: "sessions of the user: AUTH_SESSIONS_PER_USER, of which a sign-in ends at most 10",
    // The attempt, the session and its event; then ten sessions and their events.
    rows: 4 + 20,
    statements: 3 + 7,
    call: ({ authentication }, { username }) =>
      authentication.authenticate({ identifier: username, password, audience, client: { id: "web" } }),
  },
  SetPassword: {
    bound: constant,
    rows: 7,
    statements: 14,
    call: ({ authentication }, { userId }) => authentication.setPassword({ userId, password: otherPassword }),
  },
  ChangePassword: {
    bound: constant,
    rows: 9,
    statements: 16,
    call: ({ authentication }, { userId, sessionId: keepSessionId }) =>
      authentication.changePassword({
        userId,
        currentPassword: password,
        newPassword: otherPassword,
        keepSessionId,
      }),
  },
  RevokeSession: {
    bound: constant,
    rows: 2,
    statements: 6,
    call: ({ sessions }, { sessionId: id }) => sessions.revokeSession({ id }),
  },
  RevokeUserSessions: {
    bound: "constant: one row of the user ends all sessions",
    rows: 4,
    statements: 7,
    call: ({ sessions }, { userId, sessionId: exceptSessionId }) =>
      sessions.revokeUserSessions({ userId, exceptSessionId }),
  },
  RefreshSession: {
    bound: constant,
    rows: 2,
    statements: 1,
    call: ({ sessions }, { refreshToken }) => sessions.refreshSession({ refreshToken }),
  },
  CreateUser: {
    bound: "attributes: at most 32 (the schema)",
    rows: 5,
    statements: 9,
    call: ({ users }) => users.createUser({ user: { username: newName(), attributes }, password }),
  },
  UpdateUser: {
    bound: "attributes: at most 32 (the schema)",
    rows: 4,
    statements: 9,
    call: ({ users }, { userId: id }) =>
      users.updateUser({ user: { id, attributes }, updateMask: { paths: ["attributes"] } }),
  },
  DeleteUser: {
    bound: "constant: one row of the user ends all sessions",
    rows: 6,
    statements: 10,
    call: ({ users }, { userId: id }) => users.deleteUser({ id }),
  },
  UndeleteUser: {
    bound: constant,
    rows: 4,
    statements: 9,
    call: ({ users }, { userId: id }) => users.undeleteUser({ id }),
  },
  SuspendUser: {
    bound: "constant: one row of the user ends all sessions",
    rows: 6,
    statements: 10,
    call: ({ users }, { userId: id }) => users.suspendUser({ id, reason: "fraud" }),
  },
  UnsuspendUser: {
    bound: constant,
    rows: 4,
    statements: 9,
    call: ({ users }, { userId: id }) => users.unsuspendUser({ id }),
  },
  UnlockUser: {
    bound: "what failures of a user are counted under: itself, its sessions, and at most 10 devices",
    rows: 12 + 1,
    statements: 8,
    call: ({ users }, { userId: id }) => users.unlockUser({ id }),
  },
  UnlockUsers: {
    bound: "a page of at most 100 users, each with an event",
    rows: 100 * (12 + 1),
    statements: 8,
    call: ({ users }) => users.unlockUsers({}),
  },
  RevokeSigningKey: {
    bound: "the key, the one that signs in its place, and their events",
    rows: 4,
    statements: 12,
    call: async ({ tokens }) => {
      const [key] = (await tokens.getJwks({})).keys;
      await tokens.revokeSigningKey({ kid: key?.kid ?? "" });
    },
  },
  ImportUsers: {
    bound: "rows of a message: at most 500 (the schema), each with a user, a password hash and an event",
    rows: 3 * 500 + 2,
    statements: 12,
    call: ({ transfers }) => transfers.importUsers(aMessage()),
  },
  ExportUsers: {
    bound: "one event, however many users leave with their hashes",
    rows: 1,
    statements: 60,
    call: async ({ transfers }) => {
      for await (const _ of transfers.exportUsers({ includePasswordHashes: true })) {
        // Read to its end.
      }
    },
  },
  CreateServiceAccount: {
    bound: constant,
    rows: 2,
    statements: 6,
    call: ({ serviceAccounts }) =>
      serviceAccounts.createServiceAccount({ name: newName(), roles: ["verifier"] }),
  },
  UpdateServiceAccount: {
    bound: keys,
    rows: 2 + 10,
    statements: 7,
    call: ({ serviceAccounts }, { accountId: id }) =>
      serviceAccounts.updateServiceAccount({ id, displayName: "x", roles: ["verifier"] }),
  },
  DisableServiceAccount: {
    bound: constant,
    rows: 2,
    statements: 7,
    call: ({ serviceAccounts }, { accountId: id }) => serviceAccounts.disableServiceAccount({ id }),
  },
  EnableServiceAccount: {
    bound: keys,
    rows: 2 + 10,
    statements: 7,
    call: ({ serviceAccounts }, { accountId: id }) => serviceAccounts.enableServiceAccount({ id }),
  },
  DeleteServiceAccount: {
    bound: keys,
    rows: 2 + 10,
    statements: 7,
    call: ({ serviceAccounts }, { accountId: id }) => serviceAccounts.deleteServiceAccount({ id }),
  },
  CreateServiceAccountKey: {
    bound: keys,
    rows: 2,
    statements: 8,
    call: ({ serviceAccounts }, { accountId: serviceAccountId }) =>
      serviceAccounts.createServiceAccountKey({ serviceAccountId }),
  },
  DisableServiceAccountKey: {
    bound: constant,
    rows: 2,
    statements: 7,
    call: ({ serviceAccounts }, { keyIds: [id = ""] }) => serviceAccounts.disableServiceAccountKey({ id }),
  },
  DeleteServiceAccountKey: {
    bound: constant,
    rows: 2,
    statements: 7,
    call: ({ serviceAccounts }, { keyIds: [id = ""] }) => serviceAccounts.deleteServiceAccountKey({ id }),
  },
};

const methods = serviceDescriptors.flatMap((service) => service.methods.map(({ name }) => name));

test("every method either only reads, or is listed with what bounds its work", () => {
  expect([...reads, ...Object.keys(mutations)].sort()).toEqual([...methods].sort());
});

describe(`of a user with ${many} sessions and events, and an account with ten keys`, () => {
  let database: TestDatabase;
  let proxy: WireProxy;
  let pool: DatabasePool;
  let client: Client;
  let rpc: Rpc;

  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await WireProxy.start(database.uri);
    pool = await openMigratedPool(proxy.uri, 3);
    rpc = rpcOn(new CockroachRepository(pool));
    await rpc.services.keyRing.maintain(aCall());
    client = new Client({ connectionString: database.uri });
    await client.connect();
    await client.query(countRows);
  });
  afterAll(async () => {
    await client?.end();
    await pool?.end();
    await proxy?.[Symbol.asyncDispose]();
    await database?.drop();
  });

  const prepare = async (): Promise<Given> => {
    const username = newName();
    const { user } = await rpc.users.createUser({ user: { username }, password });
    const signIn = { identifier: username, password, audience, client: { id: "web" } };
    const { session, tokens } = await rpc.authentication.authenticate(signIn);
    const stored = await rpc.services.sessions.get(aCall(), session?.id ?? "");
    await seedSessions(pool, stored, many);
    await client.query(manyEvents, [stored.userId, many]);
    const { serviceAccount } = await rpc.serviceAccounts.createServiceAccount({
      name: newName(),
      roles: ["verifier"],
    });
    const accountId = serviceAccount?.id ?? "";
    const keyIds: string[] = [];
    for (let i = 0; i < 10; i++) {
      const made = await rpc.serviceAccounts.createServiceAccountKey({ serviceAccountId: accountId });
      keyIds.push(made.serviceAccountKey?.id ?? "");
    }
    const refreshToken = tokens?.refreshToken ?? "";
    return { userId: user?.id ?? "", username, sessionId: stored.id, refreshToken, accountId, keyIds };
  };
  const fail = (identifier: string) =>
    expect(rpc.authentication.verifyPassword({ identifier, password: "wrong" })).rejects.toThrow();
  const before: Readonly<Record<string, (given: Given) => Promise<unknown>>> = {
    UndeleteUser: ({ userId: id }) => rpc.users.deleteUser({ id }),
    UnsuspendUser: ({ userId: id }) => rpc.users.suspendUser({ id, reason: "fraud" }),
    UnlockUser: ({ username }) => fail(username),
    UnlockUsers: ({ username }) => fail(username),
    EnableServiceAccount: ({ accountId: id }) => rpc.serviceAccounts.disableServiceAccount({ id }),
    CreateServiceAccountKey: ({ keyIds: [id = ""] }) => rpc.serviceAccounts.deleteServiceAccountKey({ id }),
  };

  test.each(Object.entries(mutations))("%s stays within its bound", async (name, mutation) => {
    const given = await prepare();
    await before[name]?.(given);
    await client.query("delete from changed_rows");
    proxy.statements.length = 0;
    await mutation.call(rpc, given);
    const statements = proxy.statements.length;
    const { rows } = await client.query("select name from changed_rows order by name");
    const changed = rows.map((row) => row.name);
    expect(changed.length, changed.join(", ")).toBeLessThanOrEqual(mutation.rows);
    expect(changed.length).toBeGreaterThan(0);
    expect(statements, proxy.statements.join("\n")).toBeLessThanOrEqual(mutation.statements);
  });
});

const newName = () => `n-${randomUUID()}`;

async function* aMessage() {
  yield {
    requestId: randomUUID(),
    users: Array.from({ length: 500 }, () => ({ user: { username: newName() } })),
  };
}

/** Notes each row that is changed, in every table. */
const countRows = `
  create table changed_rows (name text not null);
  create function note_changed_row() returns trigger language plpgsql as
    $$ begin insert into changed_rows values (tg_table_name || ' ' || lower(tg_op)); return null; end $$;
  do $$
  declare
    changed text;
  begin
    for changed in
      select table_name from information_schema.tables
      where table_schema = current_schema() and table_type = 'BASE TABLE' and table_name <> 'changed_rows'
    loop
      execute format(
        'create trigger note after insert or update or delete on %I for each row execute function note_changed_row()',
        changed
      );
    end loop;
  end $$
`;

const manyEvents = `
  insert into events (
    id, position, clock, create_time, purge_time, type, outcome, user_id, object_id, changed_fields,
    caller, address, client_address, request_id
  )
  select
    gen_random_uuid(), 0, 0, now(), now() + interval '90 days', 'password.verified', 'failure', $1, '', '[]',
    'test', '', '', ''
  from generate_series(1, $2)
`;
