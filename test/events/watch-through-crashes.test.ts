import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Event } from "../../src/gen/auth/v1/event_pb.ts";
import { figure } from "../support/figures.ts";
import { stress } from "../support/stress.ts";
import { TwoServices } from "../tokens/two-services.ts";

const writers = 8;
/** Few, so that writers on both processes contend for them. */
const users = 5;
const kills = stress(4, 40);
const pauseMs = 1_200;

/** A change of a user that was acknowledged. */
interface Acknowledged {
  readonly userId: string;
  readonly version: number;
  readonly requestId: string;
}

/** Changes users on one process and the other, each change again until it is acknowledged, as callers do. */
class Writers {
  readonly acknowledged: Acknowledged[] = [];
  /** Calls without an answer. */
  lost = 0;
  readonly #services: TwoServices;
  readonly #userIds: readonly string[];
  readonly #running: Promise<unknown>;
  #stopping = false;

  constructor(services: TwoServices, userIds: readonly string[]) {
    this.#services = services;
    this.#userIds = userIds;
    this.#running = Promise.all(Array.from({ length: writers }, (_, n) => this.#write(n)));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #write(writer: number): Promise<void> {
    for (let n = writer; !this.#stopping; n++) {
      const userId = this.#userIds[n % this.#userIds.length]!;
      const requestId = randomUUID();
      // The time makes each a change.
      const user = { id: userId, displayName: `${writer} ${performance.now()}` };
      for (let tries = writer; ; tries++) {
        try {
          const answer = await this.#services
            .byTurns(tries)
            .users.updateUser(
              { user, updateMask: { paths: ["display_name"] }, requestId },
              { headers: { "x-request-id": requestId }, timeoutMs: 3_000 },
            );
          this.acknowledged.push({ userId, version: Number(answer.user?.etag), requestId });
          break;
        } catch {
          this.lost += 1;
          await sleep(20);
        }
      }
    }
  }
}

/** Watches on one process and the other, cut off again and again by itself and by crashes. */
class Watcher {
  readonly seen: Event[] = [];
  /** How often it came back. */
  watches = 0;
  readonly #services: TwoServices;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #cursor: string;

  /** @param cursor from when on */
  constructor(services: TwoServices, cursor: string) {
    this.#services = services;
    this.#cursor = cursor;
    this.#running = this.#watch();
  }

  async until(done: () => boolean, timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs;
    while (!done() && performance.now() < endsAt) await sleep(50);
    this.#stop.abort();
    await this.#running;
  }

  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // Some end in the middle of what there is to read, some while there is nothing.
      const signal = AbortSignal.any([
        this.#stop.signal,
        AbortSignal.timeout(Math.floor(50 + 900 * Math.random())),
      ]);
      const take = Math.floor(1 + 60 * Math.random());
      try {
        await this.#take(take, signal);
      } catch {
        await sleep(20);
      }
    }
  }

  async #take(count: number, signal: AbortSignal): Promise<void> {
    this.watches += 1;
    const { events } = this.#services.byTurns(this.watches);
    const answers = events.watchEvents(
      { cursor: this.#cursor, heartbeatInterval: { seconds: 1n } },
      { signal },
    );
    let taken = 0;
    for await (const { event, cursor } of answers) {
      if (event) {
        this.seen.push(event);
        taken += 1;
      }
      this.#cursor = cursor;
      if (taken === count) return;
    }
  }
}

describe("a watch through crashes", () => {
  let services: TwoServices;
  beforeAll(async () => {
    services = await TwoServices.start();
  });
  afterAll(() => services?.[Symbol.asyncDispose]());

  const firstCursor = async () => {
    for await (const { cursor } of services.first.events.watchEvents({})) return cursor;
    throw new Error("the watch has ended");
  };

  test(`every acknowledged change is told once, each user's in order, though a process is killed ${kills} times`, {
    timeout: 60_000 + kills * 15_000,
  }, async () => {
    const userIds: string[] = [];
    for (let n = 0; n < users; n++) {
      const { user } = await services.first.users.createUser({ user: { username: `u-${randomUUID()}` } });
      userIds.push(user!.id);
    }
    // Until those are placed.
    await sleep(2_000);
    const watcher = new Watcher(services, await firstCursor());
    const writing = new Writers(services, userIds);
    for (let n = 0; n < kills; n++) {
      await sleep(pauseMs);
      const which = n % 2 === 0 ? 0 : 1;
      services.both[which].service.process.kill("SIGKILL");
      await services.restart(which);
    }
    await sleep(pauseMs);
    await writing.stop();
    const { acknowledged, lost } = writing;
    const missing = () => {
      const seen = new Set(watcher.seen.map(({ requestId }) => requestId));
      return acknowledged.filter(({ requestId }) => !seen.has(requestId));
    };
    await watcher.until(() => missing().length === 0, 20_000);
    figure("watch through crashes", {
      kills,
      acknowledged: acknowledged.length,
      "calls without an answer": lost,
      watches: watcher.watches,
    });

    expect(acknowledged.length).toBeGreaterThan(100);
    expect(lost).toBeGreaterThan(0);
    expect(watcher.watches).toBeGreaterThan(kills);
    expect(missing()).toEqual([]);
    expect(new Set(watcher.seen.map(({ id }) => id)).size).toBe(watcher.seen.length);
    for (const id of userIds) {
      const inOrder = acknowledged
        .filter(({ userId }) => userId === id)
        .sort((a, b) => a.version - b.version)
        .map(({ requestId }) => requestId);
      const told = watcher.seen.filter(({ userId }) => userId === id).map(({ requestId }) => requestId);
      expect(told).toEqual(inOrder);
    }
    // And the places are without gaps, whatever crashed while it gave them.
    const [row] = await services.query(`
      select count(*) as placed, max(position) as last, count(*) filter (where position = 0) as unplaced
      from events
    `);
    expect(row).toMatchObject({ unplaced: "0", placed: row!["last"] });
  });
});
