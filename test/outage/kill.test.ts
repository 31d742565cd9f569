import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { type ApiClients, grpcClients } from "../support/clients.ts";
import { figure } from "../support/figures.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { type Environment, type RunningService, startService, temporaryFolder } from "../support/service.ts";
import { waitedForCoreMs } from "../support/starvation.ts";
import { stress } from "../support/stress.ts";
import { type Entry, findAll, isPossible, lifeOf, type UserState } from "../support/write-ledger.ts";

const writers = 6;
/** Every so many-th user has a password. */
const passwordEvery = 5;
/** The bar: from the start of the process to "auth is serving". */
const servingWithinMs = 5_000;
const longestRunMs = 300;

/** What a service that is killed again and again must not lose, and what it has cost. */
class Kills {
  readonly entries: Entry[] = [];
  acknowledged = 0;
  kills = 0;
  inDoubt = 0;
  inDoubtAndMade = 0;
  worstStartMs = 0;
  worstOwnStartMs = 0;
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Starts the service, checks what the last kill left, writes, and kills it in the midst of it. */
  async round(): Promise<void> {
    await using service = await this.start();
    await this.#settle(service);
    let killed = false;
    const writing = Array.from({ length: writers }, (_, i) => this.#write(service, i, () => killed));
    const before = this.acknowledged;
    await expect.poll(() => this.acknowledged, { interval: 2, timeout: 10_000 }).toBeGreaterThan(before);
    await sleep(20 + Math.random() * (longestRunMs - 20));
    killed = true;
    service.process.kill("SIGKILL");
    await Promise.all([...writing, service.process.exited()]);
    this.kills += 1;
  }

  async start(): Promise<RunningService> {
    const startedAt = performance.now();
    const service = await startService(this.#environment);
    const startMs = performance.now() - startedAt;
    this.worstStartMs = Math.max(this.worstStartMs, Math.round(startMs));
    // On a machine that others use too, what it waited for a core is not its own doing.
    const ownMs = startMs - waitedForCoreMs(service.process.child.pid);
    this.worstOwnStartMs = Math.max(this.worstOwnStartMs, Math.round(ownMs));
    return service;
  }

  /** Checks every user there is, and that there are no others. */
  async checkAll(service: RunningService): Promise<void> {
    await this.#settle(service);
    const clients = grpcClients(service);
    const states = await findAll(clients, this.entries);
    expect(states).toEqual(this.entries.map(({ acknowledged }) => acknowledged));
    const all = new Set(await allUsernames(clients));
    expect(all).toEqual(new Set(this.entries.map(({ username }) => username)));
  }

  /** Makes the writes of one user after another, until it is not answered. */
  async #write(service: RunningService, writer: number, killed: () => boolean): Promise<void> {
    const clients = grpcClients(service);
    for (;;) {
      const n = this.entries.length;
      const username = `user-${writer}-${n}`;
      const entry: Entry = { username, acknowledged: undefined, inDoubt: undefined, id: "" };
      this.entries.push(entry);
      for (const write of lifeOf(entry, n % passwordEvery === 0)) {
        entry.inDoubt = write;
        try {
          await write.call(clients, entry);
        } catch (error) {
          if (!killed()) throw error;
          return;
        }
        entry.acknowledged = write.apply(entry.acknowledged);
        entry.inDoubt = undefined;
        this.acknowledged += 1;
      }
    }
  }

  /** Each write in doubt was made once or not at all; made again with its request id, it is made once. */
  async #settle(service: RunningService): Promise<void> {
    const clients = grpcClients(service);
    const entries = this.entries.filter(({ inDoubt }) => inDoubt !== undefined);
    const states = await findAll(clients, entries);
    expect(entries.filter((entry, i) => !isPossible(entry, states[i]))).toEqual([]);
    await Promise.all(entries.map((entry, i) => this.#makeAgain(clients, entry, states[i])));
    const settled = await findAll(clients, entries);
    expect(settled).toEqual(entries.map(({ acknowledged }) => acknowledged));
  }

  async #makeAgain(clients: ApiClients, entry: Entry, state: UserState | undefined): Promise<void> {
    const { inDoubt, acknowledged } = entry;
    if (inDoubt === undefined) return;
    const made = inDoubt.apply(acknowledged);
    this.inDoubt += 1;
    if (isDeepStrictEqual(state, made)) this.inDoubtAndMade += 1;
    await inDoubt.call(clients, entry);
    entry.acknowledged = made;
    entry.inDoubt = undefined;
  }

  report(what: string): void {
    figure(`kill -9, ${what}`, {
      kills: this.kills,
      users: this.entries.length,
      "acknowledged writes": this.acknowledged,
      "in doubt": this.inDoubt,
      "of these made": this.inDoubtAndMade,
      "worst start to serving ms": this.worstStartMs,
      "without waiting for a core": this.worstOwnStartMs,
    });
  }
}

async function allUsernames({ users }: ApiClients): Promise<string[]> {
  const names: string[] = [];
  let pageToken = "";
  do {
    const page = await users.listUsers({ pageSize: 1_000, showDeleted: true, pageToken });
    names.push(...page.users.map(({ username }) => username));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return names;
}

describe("a service that is killed under mixed writes loses none, halves none, doubles none", () => {
  const timeout = stress(240_000, 3_600_000);

  test("on a database that lives on", { timeout }, async () => {
    const database = await createTestDatabase();
    try {
      const kills = new Kills({ DATABASE_URL: database.uri, AUTH_MIGRATE: "auto" });
      for (let i = 0; i < stress(40, 400); i++) await kills.round();
      await using service = await kills.start();
      await kills.checkAll(service);
      kills.report("on a database that lives on");
      expect(kills.worstOwnStartMs).toBeLessThan(servingWithinMs);
    } finally {
      await database.drop();
    }
  });

  test("with its embedded database, which dies with it", { timeout }, async () => {
    await using folder = await temporaryFolder();
    const kills = new Kills({ AUTH_DATA_DIR: folder.path });
    for (let i = 0; i < stress(10, 100); i++) await kills.round();
    await using service = await kills.start();
    await kills.checkAll(service);
    kills.report("with its embedded database");
    expect(kills.worstOwnStartMs).toBeLessThan(servingWithinMs);
  });
});
