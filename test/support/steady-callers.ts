import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Code } from "@connectrpc/connect";
import type { User } from "../../src/gen/auth/v1/user_pb.ts";
import { patienceMs } from "../../src/infrastructure/db/budget.ts";
import { type ApiClients, grpcClients } from "./clients.ts";
import { errorOf } from "./rpc.ts";
import type { RunningService } from "./service.ts";
import { password } from "./services.ts";
import { Starvation } from "./starvation.ts";

/** A call as its caller saw it. */
export interface CallRecord {
  readonly method: string;
  readonly startedAt: number;
  readonly ms: number;
  /** What the caller gave it, if anything. */
  readonly deadlineMs: number | undefined;
  /** Undefined where it went well. */
  readonly code: Code | undefined;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** Milliseconds at its start and after its time was up in which the machine had no core for it. */
  readonly starvedMs: number;
}

/** What a caller was told of the user that only it changes. */
interface Account {
  readonly id: string;
  acknowledged: { name: string; version: number };
  /** Names that it may have got since, by calls that failed. */
  inDoubt: string[];
}

/** What a call takes along: its deadline, which nobody but the service keeps. */
interface Given {
  readonly headers?: Record<string, string>;
}

/** Deadlines in turn; without one, the service's own patience is the limit. */
const deadlines = [250, 1_000, undefined];
const pauseMs = 25;

/** Callers that go on whatever they are answered, each with one call at a time, and remember all of it. */
export class SteadyCallers implements AsyncDisposable {
  readonly records: CallRecord[] = [];
  readonly starvation: Starvation;
  /** Usernames whose creation was acknowledged. */
  readonly #created: string[] = [];
  readonly #accounts: Account[] = [];
  readonly #clients: ApiClients;
  readonly #tag = randomUUID().slice(0, 8);
  #stopping = false;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(service: RunningService) {
    this.#clients = grpcClients(service);
    this.starvation = new Starvation(service.process.child.pid ?? 0);
  }

  /** Two who check passwords, and so many who read, change and create users. */
  async start(each: number): Promise<void> {
    const { users } = this.#clients;
    await users.createUser({ user: { username: this.#username("ada") }, password });
    for (let i = 0; i < each; i++) {
      const { user } = await users.createUser({ user: { username: this.#username(`changed-${i}`) } });
      this.#accounts.push({ id: user!.id, acknowledged: { name: "", version: 1 }, inDoubt: [] });
    }
    this.#loops = Promise.all([
      ...[1, 2].map(() => this.#repeat("VerifyPassword", (given) => this.#verify(given))),
      ...this.#accounts.flatMap((account, i) => [
        this.#repeat("GetUser", (given) => users.getUser({ id: account.id }, given)),
        this.#repeat("UpdateUser", (given, turn) => this.#update(account, `name ${turn}`, given)),
        this.#repeat("CreateUser", (given, turn) => this.#create(`created-${i}-${turn}`, given)),
      ]),
    ]);
  }

  /** Ends when the last call has. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loops;
  }

  /** The calls that were begun between two moments. */
  between(from: number, to: number): CallRecord[] {
    return this.records.filter(({ startedAt }) => startedAt >= from && startedAt < to);
  }

  /** What was acknowledged and is not so. To be asked once the callers have stopped. */
  async lost(): Promise<string[]> {
    const missing: string[] = [];
    for (let i = 0; i < this.#created.length; i += 1_000) {
      const names = this.#created.slice(i, i + 1_000);
      const keys = names.map((value) => ({ key: { case: "username" as const, value } }));
      const { results } = await this.#clients.users.batchGetUsers({ keys });
      missing.push(...names.filter((_, index) => results[index]?.result.case !== "user"));
    }
    const found = await Promise.all(this.#accounts.map(({ id }) => this.#clients.users.getUser({ id })));
    return [
      ...missing,
      ...this.#accounts.filter((account, i) => !isAsTold(account, found[i]?.user)).map(toText),
    ];
  }

  get acknowledgedWrites(): number {
    return this.#created.length + this.#accounts.reduce((n, { acknowledged }) => n + acknowledged.version, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.starvation[Symbol.dispose]();
  }

  #username(name: string): string {
    return `${this.#tag}-${name}`;
  }

  #verify(given: Given) {
    return this.#clients.authentication.verifyPassword(
      { identifier: this.#username("ada"), password },
      given,
    );
  }

  async #create(name: string, given: Given): Promise<void> {
    const username = this.#username(name);
    await this.#clients.users.createUser({ user: { username }, requestId: randomUUID() }, given);
    this.#created.push(username);
  }

  async #update(account: Account, displayName: string, given: Given): Promise<void> {
    account.inDoubt.push(displayName);
    const { user } = await this.#clients.users.updateUser(
      {
        user: { id: account.id, displayName },
        updateMask: { paths: ["display_name"] },
        requestId: randomUUID(),
      },
      given,
    );
    account.acknowledged = { name: displayName, version: Number(user?.etag) };
    account.inDoubt = [];
  }

  async #repeat(method: string, call: (given: Given, turn: number) => Promise<unknown>): Promise<void> {
    for (let turn = 0; !this.#stopping; turn++) {
      const deadlineMs = deadlines[turn % deadlines.length];
      // By the header alone: with an option, the client would end the call itself and hide that the service does not.
      const given = deadlineMs === undefined ? {} : { headers: { "grpc-timeout": `${deadlineMs}m` } };
      const startedAt = performance.now();
      const failure = await call(given, turn).then(
        () => undefined,
        (error: unknown) => errorOf(Promise.reject(error)),
      );
      const endedAt = performance.now();
      const dueAt = startedAt + Math.min(deadlineMs ?? patienceMs, patienceMs);
      this.records.push({
        method,
        startedAt,
        ms: endedAt - startedAt,
        deadlineMs,
        code: failure?.code,
        reason: failure?.reason,
        retryAfterMs: failure?.retryAfterMs,
        starvedMs: this.starvation.within(startedAt, startedAt + 20) + this.starvation.within(dueAt, endedAt),
      });
      await sleep(pauseMs);
    }
  }
}

function isAsTold({ acknowledged, inDoubt }: Account, user: User | undefined): boolean {
  const version = Number(user?.etag);
  const name = user?.displayName ?? "";
  // Each call in doubt may have changed it once, and no more than that.
  if (version < acknowledged.version || version > acknowledged.version + inDoubt.length) return false;
  return version === acknowledged.version ? name === acknowledged.name : inDoubt.includes(name);
}

function toText({ id, acknowledged }: Account): string {
  return `user ${id} at version ${acknowledged.version} with "${acknowledged.name}"`;
}
