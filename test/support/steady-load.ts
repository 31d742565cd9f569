import { randomUUID } from "node:crypto";
import type { ServiceError } from "@grpc/grpc-js";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import type { BalancedClient } from "./balanced-client.ts";

/** 150 calls per second. */
const callsPerTick = 3;
const tickMs = 20;

export interface FailedCall {
  readonly method: string;
  readonly error: ServiceError;
  readonly ms: number;
}

/** Reads and writes at a steady rate, independent of how long each call takes. */
export class SteadyLoad implements Disposable {
  readonly failures: FailedCall[] = [];
  begun = 0;
  slowestMs = 0;
  readonly #client: BalancedClient;
  readonly #deadlineMs: number;
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  /** @param id the user that the load reads */
  constructor(client: BalancedClient, id: string, deadlineMs = 5_000) {
    this.#client = client;
    this.#deadlineMs = deadlineMs;
    this.#timer = setInterval(() => {
      for (let i = 0; i < callsPerTick; i++) this.#begin(id);
    }, tickMs);
  }

  /** Stops, and waits for the open calls. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #begin(id: string): void {
    const call = this.#call(id, this.begun++).finally(() => this.#open.delete(call));
    this.#open.add(call);
  }

  async #call(id: string, n: number): Promise<void> {
    const { getUser, createUser, listUsers } = UserService.method;
    const startedAt = performance.now();
    // A write to every four reads.
    const method = [createUser, getUser, listUsers, getUser, getUser][n % 5]!;
    const error = await (method === createUser
      ? this.#client.call(
          createUser,
          { user: { username: `user-${n}` }, requestId: randomUUID() },
          this.#deadlineMs,
        )
      : method === getUser
        ? this.#client.call(getUser, { id }, this.#deadlineMs)
        : this.#client.call(listUsers, { pageSize: 1 }, this.#deadlineMs));
    const ms = Math.round(performance.now() - startedAt);
    this.slowestMs = Math.max(this.slowestMs, ms);
    if (error !== undefined) this.failures.push({ method: method.name, error, ms });
  }
}
