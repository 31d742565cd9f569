import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { CountingRelay } from "../support/counting-relay.ts";
import { answersOf, expectFailFast, worstOverrun } from "../support/fail-fast.ts";
import { figure } from "../support/figures.ts";
import { ReadinessWatch } from "../support/readiness-watch.ts";
import { type RunningService, startService } from "../support/service.ts";
import { password } from "../support/services.ts";
import { SteadyCallers } from "../support/steady-callers.ts";
import { StoppablePostgres } from "../support/stoppable-postgres.ts";
import { WireProxy } from "../support/wire-proxy.ts";

interface Parts {
  readonly postgres: StoppablePostgres;
  readonly proxy: WireProxy;
}

interface Outage {
  readonly name: string;
  readonly begin: (on: Parts) => Promise<void>;
  readonly end: (on: Parts) => Promise<void>;
}

const outages: readonly Outage[] = [
  {
    name: "stopped, and started again",
    begin: ({ postgres }) => postgres.stop(),
    end: ({ postgres }) => postgres.start(),
  },
  {
    name: "paused, and resumed",
    begin: ({ postgres }) => postgres.pause(),
    end: ({ postgres }) => postgres.resume(),
  },
  {
    name: "out of connections, and has some again",
    begin: ({ postgres }) => postgres.takeAllConnections(),
    end: ({ postgres }) => postgres.giveConnectionsBack(),
  },
  {
    name: "out of reach, and back",
    begin: async ({ proxy }) => proxy.refuse(),
    end: async ({ proxy }) => proxy.accept(),
  },
  {
    name: "as slow as 1.5 s a statement, and fast again",
    begin: async ({ proxy }) => {
      proxy.faults = () => ({ when: "before", what: { delayMs: 1_500 } });
    },
    end: async ({ proxy }) => {
      proxy.faults = () => undefined;
    },
  },
];

describe("a service whose database is", () => {
  let postgres: StoppablePostgres;
  let proxy: WireProxy;
  let relay: CountingRelay;
  let service: RunningService;

  beforeAll(async () => {
    postgres = await StoppablePostgres.start();
    proxy = await WireProxy.start(postgres.uri);
    relay = await CountingRelay.start(proxy.uri);
    service = await startService({ DATABASE_URL: relay.uri, AUTH_MIGRATE: "auto" });
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await relay?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  /** Whatever gets through to the database: connections that are asked for and transactions that are begun. */
  const tries = () =>
    relay.connections + proxy.statements.filter((statement) => statement === "START TRANSACTION").length;

  test.for(outages)(
    "$name: is not ready meanwhile, fails fast, loses nothing",
    async ({ name, begin, end }) => {
      await using watch = new ReadinessWatch(service);
      await using callers = new SteadyCallers(service);
      await callers.start(4);
      await watch.flipped("SERVING", performance.now());

      const goneAt = performance.now();
      await begin({ postgres, proxy });
      const triesBefore = tries();
      const off = await watch.flipped("NOT_SERVING", goneAt);
      await sleep(1_500);
      const down = callers.between(goneAt, performance.now());
      const triesPerCall = (tries() - triesBefore) / down.length;

      const [, on] = await Promise.all([
        end({ postgres, proxy }),
        watch.flipped("SERVING", performance.now()).then(async (flip) => {
          await expectWorks(service);
          return flip;
        }),
      ]);
      await callers.stop();

      expectFailFast(callers.records);
      expect(down.filter(({ code }) => code !== undefined).length).toBeGreaterThan(20);
      expect(triesPerCall).toBeLessThanOrEqual(1.2);
      expect(await callers.lost()).toEqual([]);
      expect(watch.changes).toBe(2);
      expect(service.process.child.exitCode).toBeNull();
      figure(`database ${name}`, {
        "not ready after ms": off.last,
        "ready after ms": on.last,
        answers: answersOf(down),
        "worst overrun ms": worstOverrun(callers.records),
        "starved ms": callers.starvation.total,
        "tries a call": triesPerCall.toFixed(2),
        "acknowledged writes": callers.acknowledgedWrites,
      });
    },
  );

  test("slower than usual, at 300 ms a statement: stays ready, and reads are served", async () => {
    await using watch = new ReadinessWatch(service);
    await using callers = new SteadyCallers(service);
    await callers.start(2);
    await watch.flipped("SERVING", performance.now());
    const slowAt = performance.now();
    proxy.faults = () => ({ when: "before", what: { delayMs: 300 } });
    await sleep(4_000);
    const slow = callers.between(slowAt, performance.now());
    proxy.faults = () => undefined;
    await callers.stop();

    expect(watch.changes).toBe(0);
    expectFailFast(callers.records);
    const patientReads = slow.filter(
      ({ method, deadlineMs = 1_000 }) => method === "GetUser" && deadlineMs >= 1_000,
    );
    expect(patientReads.length).toBeGreaterThan(5);
    // Not all: transactions of other calls and of tasks in the background take many such statements, on the same connections.
    const served = patientReads.filter(({ code }) => code === undefined);
    expect(served.length).toBeGreaterThanOrEqual(0.75 * patientReads.length);
    expect(await callers.lost()).toEqual([]);
    figure("database at 300 ms a statement", {
      answers: answersOf(slow),
      "worst overrun ms": worstOverrun(callers.records),
    });
  });
});

/** The first calls that start once the service says that it is ready: a read, a write and a password check. */
async function expectWorks(service: RunningService): Promise<void> {
  const { users, authentication } = grpcClients(service);
  const [{ user }] = await Promise.all([
    users.createUser({ user: { username: `first-${Math.round(performance.now())}` }, password }),
    users.listUsers({ pageSize: 1 }),
  ]);
  const { user: verified } = await authentication.verifyPassword({ identifier: user!.username, password });
  expect(verified?.id).toBe(user!.id);
}
