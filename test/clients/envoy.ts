import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Tool } from "../support/tools.ts";

const program = join(import.meta.dirname, ".tools/envoy/envoy/_bin/envoy");
const documented = join(import.meta.dirname, "../../docs/envoy");

export const envoy: Tool = {
  name: "envoy",
  check: `test -x '${program}'`,
  install: "test/clients/install envoy",
};

export interface EnvoyOptions {
  /** The file of docs/envoy. */
  readonly config: "grpc" | "json" | "mtls" | "tokens";
  /** The documented address of each upstream, and its address in the test: "auth-1:50051" → "127.0.0.1:23456". */
  readonly upstreams: Readonly<Record<string, string>>;
  /** Other text of the file that is different here. */
  readonly changes?: Readonly<Record<string, string>>;
}

/** An Envoy that runs with a documented configuration. */
export class Envoy implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = "";
  #admin = "";
  /** host:port of the listener. */
  address = "";

  /** Starts it, and waits until it listens and considers every upstream healthy. */
  static async start(options: EnvoyOptions): Promise<Envoy> {
    const folder = await mkdtemp(join(tmpdir(), "auth-envoy-"));
    const text = await readFile(join(documented, `${options.config}.yaml`), "utf8");
    await writeFile(join(folder, "envoy.yaml"), adapt(text, options));
    const started = new Envoy(folder);
    try {
      await started.#ready();
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.#child = spawn(
      program,
      [
        ["--config-path", join(folder, "envoy.yaml")],
        ["--admin-address-path", join(folder, "admin")],
        // One connection to each upstream.
        ["--concurrency", "1"],
        ["--log-level", "warning"],
        ["--use-dynamic-base-id"],
      ].flat(),
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#exited = once(this.#child, "close");
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (data) => {
        this.#output += data;
      });
    }
  }

  /** The value of a counter or gauge, such as "cluster.auth.upstream_rq_retry". */
  async stat(name: string): Promise<number> {
    const { stats } = (await this.#ask(`/stats?format=json&filter=^${name}$`)) as {
      stats: { value: number }[];
    };
    return stats[0]?.value ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    const endsAt = performance.now() + 20_000;
    for (;;) {
      if (await this.#isReady().catch(() => false)) return;
      if (this.#child.exitCode !== null || performance.now() > endsAt) {
        throw new Error(`Envoy does not become ready:\n${this.#output}`);
      }
      await sleep(50);
    }
  }

  async #isReady(): Promise<boolean> {
    this.#admin = await readFile(join(this.#folder, "admin"), "utf8");
    const { state } = (await this.#ask("/server_info")) as { state: string };
    const { listener_statuses } = (await this.#ask("/listeners?format=json")) as {
      listener_statuses: { local_address: { socket_address: { address: string; port_value: number } } }[];
    };
    const { address, port_value } = listener_statuses[0]!.local_address.socket_address;
    this.address = `${address}:${port_value}`;
    return state === "LIVE" && (await this.#unhealthyUpstreams()) === 0;
  }

  async #unhealthyUpstreams(): Promise<number> {
    const { cluster_statuses } = (await this.#ask("/clusters?format=json")) as {
      cluster_statuses: { host_statuses?: { health_status: { eds_health_status?: string } }[] }[];
    };
    const hosts = cluster_statuses.flatMap(({ host_statuses }) => host_statuses ?? []);
    return hosts.filter(({ health_status }) => Object.keys(health_status).length > 1).length;
  }

  async #ask(path: string): Promise<unknown> {
    return (await fetch(`http://${this.#admin.trim()}${path}`)).json();
  }
}

/** A documented configuration with the addresses and files of a test. */
function adapt(text: string, { upstreams, changes = {} }: EnvoyOptions): string {
  const inYaml = (address: string) => {
    const colon = address.lastIndexOf(":");
    return `address: ${address.slice(0, colon)}, port_value: ${address.slice(colon + 1)} }`;
  };
  const replacements = {
    // Any free port.
    [inYaml("127.0.0.1:9901")]: inYaml("127.0.0.1:0"),
    [inYaml("127.0.0.1:10000")]: inYaml("127.0.0.1:0"),
    ...Object.fromEntries(Object.entries(upstreams).map(([from, to]) => [inYaml(from), inYaml(to)])),
    ...changes,
  };
  return Object.entries(replacements).reduce((adapted: string, [from, to]: [string, string]) => {
    if (!adapted.includes(from)) throw new Error(`the documented configuration has no ${from}`);
    return adapted.replaceAll(from, to);
  }, text);
}
