import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { answersOf, expectFailFast } from "../support/fail-fast.ts";
import { figure } from "../support/figures.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";
import { OwnPostgres, type OwnPostgresOptions, tmpfs } from "../support/own-postgres.ts";
import { ReadinessWatch } from "../support/readiness-watch.ts";
import { type RunningService, startService } from "../support/service.ts";
import { SteadyCallers } from "../support/steady-callers.ts";
import { isThere, testWith } from "../support/tools.ts";

interface Refusal {
  readonly name: string;
  /** The reason of calls that fail for it. */
  readonly reason: "DATABASE_READ_ONLY" | "DATABASE_UNAVAILABLE";
  readonly begin: (postgres: OwnPostgres) => Promise<void>;
  readonly end: (postgres: OwnPostgres) => Promise<void>;
}

const refusals: readonly Refusal[] = [
  {
    name: "read-only, by its configuration",
    reason: "DATABASE_READ_ONLY",
    begin: (postgres) => postgres.setReadOnly(true),
    end: (postgres) => postgres.setReadOnly(false),
  },
  {
    name: "a standby, until it is promoted",
    reason: "DATABASE_READ_ONLY",
    begin: (postgres) => postgres.demote(),
    end: (postgres) => postgres.promote(),
  },
  {
    name: "closed to the role: no write to one table",
    reason: "DATABASE_UNAVAILABLE",
    begin: (postgres) => postgres.revoke("insert, update, delete on users"),
    end: (postgres) => postgres.grant("insert, update, delete on users"),
  },
  {
    name: "closed to the role: no use of the schema",
    reason: "DATABASE_UNAVAILABLE",
    begin: (postgres) => postgres.revoke("usage on schema public"),
    end: (postgres) => postgres.grant("usage on schema public"),
  },
];

const fullDisk: Refusal = {
  name: "on a full disk",
  reason: "DATABASE_UNAVAILABLE",
  begin: (postgres) => postgres.fillDisk(),
  end: (postgres) => postgres.freeDisk(),
};

const fullLog: Refusal = {
  name: "on a disk that is full below its write-ahead log, so that it crashes, and is started again",
  reason: "DATABASE_UNAVAILABLE",
  async begin(postgres) {
    await postgres.fillDisk();
    // It may crash before it answers.
    await postgres.endLogSegment().catch(() => {});
  },
  async end(postgres) {
    await postgres.stopServer();
    await postgres.freeDisk();
    await postgres.startServer();
  },
};

/** A service as a role that owns nothing, on a database that was migrated by another one. */
class Served implements AsyncDisposable {
  readonly postgres: OwnPostgres;
  readonly service: RunningService;

  static async start(options: OwnPostgresOptions): Promise<Served> {
    const postgres = await OwnPostgres.start(options);
    try {
      const pool = await openMigratedPool(postgres.uri(), 2);
      await pool.end();
      await postgres.createServiceRole();
      const service = await startService({ DATABASE_URL: postgres.uri("service"), AUTH_MIGRATE: "check" });
      return new Served(postgres, service);
    } catch (error) {
      await postgres[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(postgres: OwnPostgres, service: RunningService) {
    this.postgres = postgres;
    this.service = service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    await this.postgres[Symbol.asyncDispose]();
  }
}

/** The refusal begins and ends under steady calls. */
async function expectTold({ postgres, service }: Served, { name, reason, begin, end }: Refusal) {
  await using watch = new ReadinessWatch(service);
  await using callers = new SteadyCallers(service);
  await callers.start(3);
  await watch.flipped("SERVING", performance.now());

  await begin(postgres);
  const begunAt = performance.now();
  const off = await watch.flipped("NOT_SERVING", begunAt);
  const why = await (await fetch(`${service.httpUrl}/readyz`)).text();
  await sleep(1_500);
  const down = callers.between(begunAt, performance.now());

  await end(postgres);
  const on = await watch.flipped("SERVING", performance.now());
  const { users } = grpcClients(service);
  await users.createUser({ user: { username: `first-${Math.round(performance.now())}` } });
  await callers.stop();

  expect(why).toMatch(new RegExp(`^not ready\n${reason}: .+\n$`));
  // No failure is INTERNAL, each says when to come back, and none is late.
  expectFailFast(callers.records);
  expect(down.filter((call) => call.reason === reason).length).toBeGreaterThan(10);
  expect(await callers.lost()).toEqual([]);
  expect(watch.changes).toBe(2);
  expect(service.process.child.exitCode).toBeNull();
  figure(`database ${name}`, {
    "not ready after ms": off.last,
    "ready after ms": on.last,
    answers: answersOf(down),
    "acknowledged writes": callers.acknowledgedWrites,
  });
}

describe("a service whose database is", () => {
  let served: Served;
  beforeAll(async () => {
    served = await Served.start(isThere(tmpfs) ? { diskMiB: 96 } : {});
  });
  afterAll(() => served?.[Symbol.asyncDispose]());

  test.for(refusals)(
    "$name: is not ready meanwhile, says so, loses nothing",
    { timeout: 60_000 },
    (refusal) => expectTold(served, refusal),
  );

  const itsName = `${fullDisk.name}: is not ready meanwhile, says so, loses nothing`;
  testWith(tmpfs, itsName, () => expectTold(served, fullDisk), 60_000);

  testWith(tmpfs, "on a full disk: is not ready although nothing is asked of it", async () => {
    await using watch = new ReadinessWatch(served.service);
    await watch.flipped("SERVING", performance.now());
    await fullDisk.begin(served.postgres);
    await watch.flipped("NOT_SERVING", performance.now());
    await fullDisk.end(served.postgres);
    await watch.flipped("SERVING", performance.now());
  });

  test("read-only when the service starts: starts, is not ready, and becomes so", async () => {
    await served.postgres.setReadOnly(true);
    await using service = await startService({
      DATABASE_URL: served.postgres.uri("service"),
      AUTH_MIGRATE: "check",
    });
    expect(await (await fetch(`${service.httpUrl}/readyz`)).text()).toContain("DATABASE_READ_ONLY");
    await served.postgres.setReadOnly(false);
    await using watch = new ReadinessWatch(service);
    await watch.flipped("SERVING", performance.now());
  });
});

describe("a service whose database is", () => {
  let served: Served | undefined;
  afterAll(() => served?.[Symbol.asyncDispose]());

  testWith(
    tmpfs,
    `${fullLog.name}: is not ready meanwhile, says so, loses nothing`,
    async () => {
      served = await Served.start({ diskMiB: 160, logsToDisk: true });
      await expectTold(served, fullLog);
    },
    90_000,
  );
});
