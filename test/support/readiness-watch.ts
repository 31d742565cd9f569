import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { expect } from "vitest";
import type { RunningService } from "./service.ts";

/** Everything that says whether a service is to be given work. */
const gates = ["readiness", "auth.v1.UserService", "auth.v1.AuthenticationService"] as const;

/** A change of what a service says of itself, and when it was seen. */
interface Change {
  readonly status: string;
  readonly at: number;
}

/** Sees what a service says of itself, on health watches and on /readyz, as a load balancer would. */
export class ReadinessWatch implements AsyncDisposable {
  readonly #client: Client;
  readonly #seen = new Map<string, Change[]>();
  readonly #stopped = new AbortController();
  readonly #polling: Promise<void>;
  readonly #close: (() => void)[] = [];

  constructor({ grpcAddress, httpUrl }: RunningService) {
    this.#client = new Client(grpcAddress, credentials.createInsecure());
    for (const name of ["", ...gates]) this.#watch(name);
    this.#polling = this.#poll(`${httpUrl}/readyz`);
  }

  /**
   * Waits until every gate says so. Answers the milliseconds from `since` to the first and to the last one that did.
   * Fails where one does not within five seconds, or where the process says that it is not alive.
   */
  async flipped(status: "SERVING" | "NOT_SERVING", since: number): Promise<{ first: number; last: number }> {
    const names = [...gates, "/readyz"];
    const last = (name: string) => this.#seen.get(name)?.at(-1);
    const states = () => names.map((name) => last(name)?.status);
    // A little more than the bar, so that a miss shows by how much.
    await expect.poll(states, { timeout: 10_000, interval: 20 }).toEqual(names.map(() => status));
    const times = names.map((name) => (last(name)?.at ?? since) - since);
    const flip = { first: Math.round(Math.min(...times)), last: Math.round(Math.max(...times)) };
    expect(flip.last).toBeLessThan(5_000);
    expect(this.#seen.get("")?.map((change) => change.status)).toEqual(["SERVING"]);
    return flip;
  }

  /** How often the gates have changed since the start. */
  get changes(): number {
    return Math.max(...gates.map((name) => (this.#seen.get(name)?.length ?? 1) - 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    for (const close of this.#close) close();
    this.#client.close();
    await this.#polling;
  }

  #note(name: string, status: string): void {
    const changes = this.#seen.get(name) ?? [];
    this.#seen.set(name, changes);
    if (changes.at(-1)?.status !== status) changes.push({ status, at: performance.now() });
  }

  #watch(name: string): void {
    const definition = healthService["Watch"];
    if (definition === undefined) throw new Error("the health service has no Watch");
    const { path, requestSerialize, responseDeserialize } = definition;
    const request = { service: name };
    const watch = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    watch.on("data", ({ status }) => this.#note(name, status));
    watch.on("error", () => this.#note(name, "WATCH_ENDED"));
    this.#close.push(() => watch.cancel());
  }

  async #poll(url: string): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
      this.#note("/readyz", answer?.status === 200 ? "SERVING" : "NOT_SERVING");
      await sleep(50);
    }
  }
}
