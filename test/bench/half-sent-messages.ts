import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ServiceAccountService } from "../../src/gen/auth/v1/service_account_service_pb.ts";
import { memoryOf } from "../support/process-figures.ts";
import { openBenchDatabase } from "./bench-database.ts";
import { startBenchService } from "./bench-service.ts";
import type { Effort } from "./effort.ts";
import { type Figure, median, round } from "./figure.ts";
import { getUser } from "./get-user-rate.ts";
import { type LoadResult, runLoad } from "./load-job.ts";

const readsPerSecond = 200;
const connections = 10;
const rounds = 3;
/**
 * How long the attack and the calls run before calls are measured: their own processes start and are compiled meanwhile, on
 * the cores that the service needs.
 */
const warmUpSeconds = 3;

/** What half-sent-load.ts says became of its calls. */
interface Attack {
  readonly opened: number;
  readonly answered: number;
  readonly reset: number;
  readonly connectionsLost: number;
  readonly mostOpen: number;
}

/** What 10,000 half-sent messages of callers without credentials do to the calls of one that has them. */
export async function halfSentMessages(effort: Effort): Promise<Figure[]> {
  await using database = await openBenchDatabase(effort.count(10_000));
  const key = await keyOf(database.uri);
  await using service = await startBenchService(database.uri, { env: { AUTH_CALLERS: undefined } });
  const warmUp = effort.seconds(warmUpSeconds);
  const headers = { authorization: `Bearer ${key}` };
  const reads = {
    ...getUser(service.address, database),
    headers,
    perSecond: readsPerSecond,
    warmUpSeconds: warmUp,
  };
  const seconds = effort.seconds(10);
  const calls = effort.count(10_000);
  await runLoad({ ...reads, seconds: effort.seconds(5) });
  const figures: Figure[] = [];
  for (const [frames, frameBytes] of [
    ["full-size frames", 16_384],
    ["1-byte frames", 1],
  ] as const) {
    const before = await memoryOf(service);
    const runs: { idle: LoadResult; busy: LoadResult; attack: Attack }[] = [];
    let mostMiB = before;
    for (let i = 0; i < effort.rounds(rounds); i++) {
      const idle = await runLoad({ ...reads, seconds });
      const attacking = attacked({
        address: service.address,
        calls: Math.round(calls * (1 + warmUp / seconds)),
        seconds: warmUp + seconds,
        frameBytes,
      });
      const [busy, attack] = await Promise.all([runLoad({ ...reads, seconds }), attacking]);
      mostMiB = Math.max(mostMiB, await memoryOf(service));
      runs.push({ idle, busy, attack });
      // What the attack has left open does not slow the next idle round down.
      await sleep(effort.seconds(3) * 1_000);
    }
    const ratio = median(runs.map(({ idle, busy }) => busy.p99Ms / idle.p99Ms));
    const failures = runs.reduce((sum, { busy }) => sum + busy.failures, 0);
    const p99 = (of: "idle" | "busy") => `${round(median(runs.map((run) => run[of].p99Ms)), 1)} ms`;
    const last = runs.at(-1)?.attack;
    figures.push({
      name: `GetUser p99 of an authorised caller during half-sent messages without credentials, in ${frames}, ÷ idle`,
      value: round(ratio),
      bar: "≤ 4, and no GetUser fails",
      met: ratio <= 4 && failures === 0,
      detail:
        `${p99("busy")} ÷ ${p99("idle")}; ${failures} GetUser failed; ${last?.opened ?? 0} half-sent messages over ` +
        `${connections} connections: ${last?.answered ?? 0} answered, ${last?.reset ?? 0} reset, ` +
        `${last?.mostOpen ?? 0} open at once, ${last?.connectionsLost ?? 0} connections closed; ` +
        `${mostMiB - before} MiB more resident memory after an attack`,
    });
  }
  return figures;
}

/** A key of a new service account, made while everyone may make one. */
async function keyOf(uri: string): Promise<string> {
  await using service = await startBenchService(uri);
  const transport = createGrpcTransport({ baseUrl: `http://${service.address}` });
  const accounts = createClient(ServiceAccountService, transport);
  const { serviceAccount } = await accounts.createServiceAccount({ name: "bench", roles: ["reader"] });
  const { key } = await accounts.createServiceAccountKey({ serviceAccountId: serviceAccount?.id ?? "" });
  return key;
}

async function attacked(attack: {
  readonly address: string;
  readonly calls: number;
  readonly seconds: number;
  readonly frameBytes: number;
}): Promise<Attack> {
  const program = join(import.meta.dirname, "half-sent-load.ts");
  const args = [attack.address, connections, attack.calls, attack.seconds, attack.frameBytes].map(String);
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
  return JSON.parse(stdout);
}
