import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ApiClients, grpcClients } from "../support/clients.ts";
import { query } from "../support/embedded-postgres.ts";
import { figure } from "../support/figures.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { type RunningService, startService } from "../support/service.ts";
import { type Fault, type Faults, WireProxy } from "../support/wire-proxy.ts";

const calls = 400;
const atOnce = 4;
/**
 * PostgreSQL reads a table of a few rows as a whole, and then takes any two writes to it for a conflict: as no table in
 * use is, it must not be that small.
 */
const users = 500;
/** So many of them are changed, so that about a tenth of the changes contend. */
const changed = 40;

const contention = { code: "40001", message: "could not serialize access due to concurrent update" };

describe("what a service asks of a database that is in part out of order, in tries a call", () => {
  let database: TestDatabase;
  let proxy: WireProxy;
  let service: RunningService;
  let clients: ApiClients;
  let ids: string[];

  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await WireProxy.start(database.uri);
    service = await startService({ DATABASE_URL: proxy.uri, AUTH_MIGRATE: "auto" });
    clients = grpcClients(service);
    const created = await inParallel(users, (i) =>
      clients.users.createUser({ user: { username: `user-${i}` } }),
    );
    ids = created.slice(0, changed).map(({ user }) => user!.id);
    await query(database.uri, "analyze");
  });
  afterEach(() => {
    proxy.faults = () => undefined;
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await database?.drop();
  });

  /** Makes the calls and answers how many statements of a kind the database saw for each. */
  async function triesPerCall(statement: RegExp, call: (i: number) => Promise<unknown>): Promise<number> {
    proxy.statements.length = 0;
    await inParallel(calls, call);
    return proxy.statements.filter((text) => statement.test(text)).length / calls;
  }

  /** Not GetUser: of those that come at once, several may be one statement. */
  const read = () => clients.users.listUsers({ pageSize: 1 });
  const change = (i: number, id = idOf(i)) =>
    clients.users.updateUser({
      user: { id, displayName: `name ${randomUUID()}` },
      updateMask: { paths: ["display_name"] },
      requestId: randomUUID(),
    });
  const idOf = (i: number) => ids[i % ids.length]!;

  test.for<[name: string, statement: RegExp, call: (i: number) => Promise<unknown>, fault: Fault]>([
    ["reads, a tenth of them cut", /from users/, read, { when: "before", what: "cut" }],
    ["writes, a tenth cut before they begin", /^START TRANSACTION/, change, { when: "before", what: "cut" }],
    ["writes, a tenth cut after the commit", /^COMMIT/, change, { when: "after", what: "cut" }],
    ["writes, a tenth not serialised", /^COMMIT/, change, { when: "before", what: contention }],
  ])("%s: all are answered, with at most 1.2", async ([name, statement, call, fault]) => {
    proxy.faults = everyTenth(statement, fault);
    const counted = call === read ? statement : /^START TRANSACTION/;
    const tries = await triesPerCall(counted, (i) => call(i));
    expect(tries).toBeGreaterThan(1.05);
    expect(tries).toBeLessThanOrEqual(1.2);
    figure(`tries a call, ${name}`, { tries: tries.toFixed(3), calls });
  });

  test("writes that really contend, about a tenth of them: all are answered, with at most 1.2", async () => {
    const before = await versions();
    const tries = await triesPerCall(/^START TRANSACTION/, (i) =>
      change(i, ids[Math.floor(Math.random() * ids.length)]),
    );
    figure("tries a call, writes that contend", { tries: tries.toFixed(3), calls });
    expect(tries).toBeGreaterThan(1);
    expect(tries).toBeLessThanOrEqual(1.2);
    expect((await versions()) - before).toBe(calls);
  });

  /** The sum of all users' versions: each change adds one. */
  async function versions(): Promise<number> {
    const keys = ids.map((value) => ({ key: { case: "id" as const, value } }));
    const { results } = await clients.users.batchGetUsers({ keys });
    return results.reduce(
      (sum, { result }) => sum + (result.case === "user" ? Number(result.value.etag) : Number.NaN),
      0,
    );
  }
});

function everyTenth(statement: RegExp, fault: Fault): Faults {
  let seen = 0;
  return (text) => {
    if (!statement.test(text)) return undefined;
    seen += 1;
    return seen % 10 === 0 ? fault : undefined;
  };
}

/** Does something so many times, a few at once. Answers in order. */
async function inParallel<T>(times: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < times) {
      const i = next++;
      results[i] = await work(i);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
