import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect } from "vitest";
import { figure } from "../support/figures.ts";
import { Replicas } from "../support/replicas.ts";
import { toolEnvironment } from "../support/shell.ts";
import { testWith } from "../support/tools.ts";
import { type ClientProgram, grpcGo, grpcJava } from "./client-programs.ts";
import { expectNoFailure, type Trial } from "./no-call-fails.ts";

describe("health checks, round robin, retries and keepalive over two replicas", () => {
  for (const [name, program] of [
    ["grpc-go", grpcGo],
    ["grpc-java on Netty", grpcJava],
  ] as const) {
    testWith(
      program.tool,
      `${name}: one replica is restarted under load, and no call fails`,
      () => expectNoFailure(() => restartUnder(name, program)),
      240_000,
    );
  }
});

async function restartUnder(name: string, program: ClientProgram): Promise<Trial> {
  // The replica that is restarted also replaces its connections; on the other one a connection idles.
  await using replicas = await Replicas.start([{ AUTH_MAX_CONNECTION_AGE: "2s" }, {}]);
  using client = new BalancingProgram(program, replicas.addresses);
  await client.untilBalanced();
  expect(await replicas.stop(0, "SIGTERM")).toBe(0);
  await replicas.startAgain(0);
  await client.untilBalanced();
  const { calls, failures, idle } = await client.end();
  figure(`${name}, restart under load`, { calls, failed: failures.length });
  expect(calls).toBeGreaterThan(0);
  const isAlive = idle.code === "OK" && idle.states.join() === "READY";
  return {
    failures: isAlive ? failures : [...failures, `the idle connection: ${JSON.stringify(idle)}`],
    slowDatabase: replicas.haveSlowDatabase,
  };
}

interface Outcome {
  readonly calls: number;
  readonly failures: readonly string[];
  /** Of a connection on which nothing happened for longer than its keepalive time. */
  readonly idle: { readonly states: readonly string[]; readonly code: string };
}

/** A client that calls all replicas steadily until it is told to end. */
class BalancingProgram implements Disposable {
  readonly #child;
  readonly #lines: AsyncIterator<string>;
  #stderr = "";

  constructor({ command }: ClientProgram, addresses: readonly string[]) {
    this.#child = spawn("sh", ["-c", `exec ${command} balance ${addresses.join(" ")}`], {
      env: toolEnvironment,
    });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
    this.#child.stderr.on("data", (data) => {
      this.#stderr += data;
    });
  }

  /** Resolved when each replica has answered a call that was begun after this one. */
  async untilBalanced(): Promise<void> {
    this.#child.stdin.write("\n");
    expect(await this.#line()).toBe("balanced");
  }

  async end(): Promise<Outcome> {
    const exited = once(this.#child, "close");
    this.#child.stdin.end();
    const outcome = JSON.parse(await this.#line());
    expect(await exited).toEqual([0, null]);
    return outcome;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }

  async #line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`the client has ended: ${this.#stderr}`);
    return value;
  }
}
