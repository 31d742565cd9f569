import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { describe, expect, test } from "vitest";
import { allMigrations } from "../../src/infrastructure/db/migrations/all-migrations.ts";
import { openAndClose } from "../support/open-and-close.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { type Environment, ServiceProcess } from "../support/service.ts";
import { isStress, stress } from "../support/stress.ts";
import { type Disguise, type Faults, WireProxy } from "../support/wire-proxy.ts";

const script = join(import.meta.dirname, "../support/migrating-process.ts");
/** On a machine that has much else to do. */
const startTimeoutMs = 60_000;
/** The steps that are made on a server. */
const idsOn = (as: Disguise) =>
  allMigrations
    .filter(({ only }) => only === undefined || only === as)
    .map(({ id }) => id)
    .sort();
const small = { AUTH_MIGRATE: "auto", AUTH_DATABASE_POOL_SIZE: "2" };

describe.each(["postgresql", "cockroachdb"] as const)("migrations on a server that looks like %s", (as) => {
  test.concurrent(
    "killed at any statement, before or after it applied, are finished by the next start",
    async () => {
      const count = await statementsOfStart(as);
      expect(count).toBeGreaterThan(idsOn(as).length * 3);
      const places = Array.from({ length: count }, (_, index) => index).flatMap((index) => [
        { index, when: "before" as const },
        { index, when: "after" as const },
      ]);
      // In CI each statement has its turn on one of the two servers, before or after it applied.
      const chosen = places.filter(
        (_, i) => isStress || i % 4 === ((i >> 2) + (as === "postgresql" ? 0 : 2)) % 4,
      );
      const failures: string[] = [];
      await sideBySide(2, chosen, async ({ index, when }) => {
        await using line = await Line.open(as);
        const process = migrate(line);
        line.proxy.faults = atStatement(index, when, () => process.kill("SIGKILL"));
        if ((await endOf(process)) !== "SIGKILL") failures.push(`${when} ${index}: it was not killed`);
        line.proxy.faults = () => undefined;
        await line.expireLease();
        await openAndClose(line.proxy.uri);
        failures.push(...(await line.wrongLedger()).map((wrong) => `${when} ${index}: ${wrong}`));
      });
      expect(failures).toEqual([]);
    },
    stress(300_000, 900_000),
  );

  test.concurrent("of a service that was killed are finished by its next start, which waits for the lease", async () => {
    await using line = await Line.open(as);
    const killed = new ServiceProcess({ ...small, DATABASE_URL: line.proxy.uri });
    line.proxy.faults = (text) => {
      if (!text.includes("users_suspended_idx on users")) return undefined;
      return { when: "after", what: () => killed.kill("SIGKILL") };
    };
    expect(await killed.exited()).toBe("SIGKILL");
    line.proxy.faults = () => undefined;
    // A lease lasts 15 s. Only here is that waited for; the other cases end it by hand.
    const startedAt = performance.now();
    await using services = new Services();
    const url = await services.start({ ...small, DATABASE_URL: line.proxy.uri });
    expect(performance.now() - startedAt).toBeGreaterThan(5_000);
    expect(services.output).toContain("another instance is migrating the database");
    expect(await line.wrongLedger()).toEqual([]);
    await ready(url);
  }, 120_000);

  // One after the other: a start takes a processor for most of a second.
  test.each([2, 5])(
    "begun by %i services at once on an empty database: all serve, and each step is made once",
    async (count) => {
      for (let round = 0; round < stress(1, 20); round++) {
        await using line = await Line.open(as);
        await using services = new Services();
        const environment = { ...small, DATABASE_URL: line.proxy.uri };
        const serving = await Promise.all(Array.from({ length: count }, () => services.start(environment)));
        await Promise.all(serving.map(ready));
        const made = services.output.match(/migrating: [\w/-]+/g);
        expect(made?.sort()).toEqual(idsOn(as).map((id) => `migrating: ${id}`));
        expect(await line.wrongLedger()).toEqual([]);
      }
    },
    stress(120_000, 600_000),
  );
});

/** Services that end with the test. */
class Services implements AsyncDisposable {
  readonly #processes: ServiceProcess[] = [];

  /** Answers where the service serves HTTP. */
  async start(environment: Environment): Promise<string> {
    const process = new ServiceProcess(environment);
    this.#processes.push(process);
    const { httpAddress } = await process.logged("auth is serving", startTimeoutMs);
    return `http://${httpAddress}`;
  }

  get output(): string {
    return this.#processes.map(({ output }) => output).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) process.kill("SIGTERM");
    await Promise.all(this.#processes.map((process) => process.exited()));
  }
}

/** A database, the proxy before it, and a way around the proxy. */
class Line implements AsyncDisposable {
  readonly proxy: WireProxy;
  readonly #ids: readonly string[];
  readonly #direct: Client;
  readonly #drop: () => Promise<void>;

  static async open(as: Disguise): Promise<Line> {
    const database = await createTestDatabase();
    const direct = new Client({ connectionString: database.uri });
    await direct.connect();
    return new Line(await WireProxy.start(database.uri, { as }), idsOn(as), direct, database.drop);
  }

  private constructor(proxy: WireProxy, ids: readonly string[], direct: Client, drop: () => Promise<void>) {
    this.proxy = proxy;
    this.#ids = ids;
    this.#direct = direct;
    this.#drop = drop;
  }

  /** Ends the lease of one that was killed, as 15 s of waiting would. */
  async expireLease(): Promise<void> {
    const { rows } = await this.#direct.query("select to_regclass('leases') is not null as found");
    if (rows[0].found)
      await this.#direct.query("update leases set expire_time = now() - interval '1 second'");
  }

  /** What keeps the ledger from having each step once, finished; and the lease from being free. */
  async wrongLedger(): Promise<string[]> {
    const { rows } = await this.#direct.query("select id, finish_time from migrations order by id");
    const leases = await this.#direct.query(
      "select holder from leases where name = 'migrations' and expire_time > now()",
    );
    return [
      ...(JSON.stringify(rows.map(({ id }) => id)) === JSON.stringify(this.#ids)
        ? []
        : ["the ledger has other steps"]),
      ...rows.filter(({ finish_time }) => finish_time === null).map(({ id }) => `${id} is not finished`),
      ...(leases.rowCount === 0 ? [] : ["the lease is still held"]),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await this.#direct.end();
    await this.#drop();
  }
}

function migrate(line: Line): ChildProcess {
  return spawn(process.execPath, [script, line.proxy.uri], { stdio: ["ignore", "ignore", "inherit"] });
}

/** The exit code, or the signal that killed it. */
async function endOf(child: ChildProcess): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode ?? child.signalCode ?? -1;
}

/** How many statements a start on an empty database sends. */
async function statementsOfStart(as: Disguise): Promise<number> {
  await using line = await Line.open(as);
  expect(await endOf(migrate(line))).toBe(0);
  return line.proxy.statements.length;
}

function atStatement(index: number, when: "before" | "after", what: () => void): Faults {
  let seen = 0;
  return () => (seen++ === index ? { when, what } : undefined);
}

async function sideBySide<T>(lanes: number, items: readonly T[], work: (item: T) => Promise<void>) {
  const queue = items.values();
  const lane = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function ready(httpUrl: string): Promise<void> {
  const endsAt = performance.now() + 10_000;
  for (;;) {
    const response = await fetch(`${httpUrl}/readyz`).catch(() => undefined);
    if (response?.ok) return;
    if (performance.now() > endsAt) throw new Error(`not ready: ${response?.status}`);
    await sleep(50);
  }
}
