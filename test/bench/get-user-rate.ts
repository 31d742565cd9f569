import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { GetUserRequestSchema } from "../../src/gen/auth/v1/user_service_pb.ts";
import { cpuMsOf } from "../support/process-figures.ts";
import { type BenchDatabase, openBenchDatabase } from "./bench-database.ts";
import { startBenchService } from "./bench-service.ts";
import type { Effort } from "./effort.ts";
import { type Figure, median, round } from "./figure.ts";
import { encoded, type LoadJob, runLoad } from "./load-job.ts";

const rounds = 5;

interface Rate {
  readonly perSecond: number;
  /** CPU of the one process, without the database's. */
  readonly cpuMicros: number;
}

/** The job of reading users by id. */
export function getUser(address: string, { userIds }: BenchDatabase): Omit<LoadJob, "seconds"> {
  const messages = userIds.map((id) => encoded(GetUserRequestSchema, { id }));
  return { address, path: "/auth.v1.UserService/GetUser", messages, inFlight: 64 };
}

/** GetUser beside the same reads by `pg` alone, in turns. */
export async function getUserRate(effort: Effort): Promise<Figure[]> {
  await using database = await openBenchDatabase(effort.count(10_000));
  await using service = await startBenchService(database.uri);
  const job = getUser(service.address, database);
  await runLoad({ ...job, seconds: effort.seconds(5) });
  const reads: Rate[] = [];
  const selects: Rate[] = [];
  for (let i = 0; i < effort.rounds(rounds); i++) {
    const cpuBefore = await cpuMsOf(service);
    const { perSecond, answered, failures } = await runLoad({ ...job, seconds: effort.seconds(3) });
    if (failures > 0) throw new Error(`${failures} calls failed`);
    reads.push({ perSecond, cpuMicros: (((await cpuMsOf(service)) - cpuBefore) / answered) * 1e3 });
    selects.push(await pgSelects(database, effort.seconds(3)));
  }
  const ratio = median(reads.map(({ perSecond }, i) => perSecond / (selects[i]?.perSecond ?? 0)));
  const describe = (rates: readonly Rate[]) => {
    const perSecond = median(rates.map((rate) => rate.perSecond));
    return `${round(perSecond, 0)}/s (${round(median(rates.map(({ cpuMicros }) => cpuMicros)), 0)} µs of CPU each)`;
  };
  return [
    {
      name: "GetUser/s at 64 in flight ÷ bare pg point selects/s",
      value: round(ratio),
      bar: "≥ 0.5",
      met: ratio >= 0.5,
      detail: `${describe(reads)} ÷ ${describe(selects)}`,
    },
  ];
}

async function pgSelects({ uri, userIds }: BenchDatabase, seconds: number): Promise<Rate> {
  const program = join(import.meta.dirname, "pg-selects.ts");
  const args = [program, uri, String(seconds), JSON.stringify(userIds)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}
