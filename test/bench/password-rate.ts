import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { VerifyPasswordRequestSchema } from "../../src/gen/auth/v1/authentication_service_pb.ts";
import { grpcClients } from "../support/clients.ts";
import { openBenchDatabase } from "./bench-database.ts";
import { startBenchService } from "./bench-service.ts";
import type { Effort } from "./effort.ts";
import { type Figure, median, round } from "./figure.ts";
import { getUser } from "./get-user-rate.ts";
import { introspect, signIns } from "./introspect-rate.ts";
import { encoded, type LoadJob, runLoad } from "./load-job.ts";

const password = "correct horse battery staple";
const rounds = 5;
/** Reads a second while passwords are checked: many enough for a p99, few enough to leave the cores to the hashes. */
const readsPerSecond = 200;

/** Password checks beside bare hashes, in turns; and what four times as many do to reads. */
export async function passwordRate(effort: Effort): Promise<Figure[]> {
  await using database = await openBenchDatabase(effort.count(10_000));
  await using service = await startBenchService(database.uri);
  // Several people: of one, only few attempts run at once.
  const names = Array.from({ length: effort.smoke ? 12 : 64 }, (_, number) => `ada-${number}`);
  const { users } = grpcClients({ grpcAddress: service.address });
  for (const username of names) await users.createUser({ user: { username }, password });
  const check = {
    address: service.address,
    path: "/auth.v1.AuthenticationService/VerifyPassword",
    messages: names.map((identifier) => encoded(VerifyPasswordRequestSchema, { identifier, password })),
  };
  const reads = { ...getUser(service.address, database), perSecond: readsPerSecond };
  await runLoad({ ...reads, seconds: effort.seconds(3) });

  const rates: { checks: number; hashes: number }[] = [];
  for (let i = 0; i < effort.rounds(rounds); i++) {
    const { perSecond, failures } = await runLoad({
      ...check,
      inFlight: effort.smoke ? 4 : 32,
      seconds: effort.seconds(4),
    });
    if (failures > 0) throw new Error(`${failures} checks failed`);
    rates.push({ checks: perSecond, hashes: await bareArgon2(effort.seconds(4)) });
  }
  const ratio = median(rates.map(({ checks, hashes }) => checks / hashes));
  const saturated = median(rates.map(({ checks }) => checks));

  const overload = { ...check, perSecond: 4 * saturated };
  const tokens = await signIns(service.address, { identifier: "ada-0", password }, effort.smoke ? 2 : 16);
  const introspections = { ...introspect(service.address, tokens), perSecond: readsPerSecond };
  return [
    {
      name: "VerifyPassword/s saturated ÷ bare argon2/s, same cost, same cores",
      value: round(ratio),
      bar: "≥ 0.9",
      met: ratio >= 0.9,
      detail: `${round(saturated, 0)}/s ÷ ${round(median(rates.map(({ hashes }) => hashes)), 0)}/s`,
    },
    await p99During(effort, overload, "GetUser", reads),
    await p99During(effort, overload, "IntrospectToken", introspections),
  ];
}

/** What so many logins do to the latency of other calls. */
async function p99During(
  effort: Effort,
  overload: Omit<LoadJob, "seconds">,
  method: string,
  calls: Omit<LoadJob, "seconds">,
): Promise<Figure> {
  // What waits from a load before is hashed by then.
  await sleep(effort.seconds(3) * 1_000);
  const idle = await runLoad({ ...calls, seconds: effort.seconds(10) });
  const [busy, logins] = await Promise.all([
    runLoad({ ...calls, seconds: effort.seconds(10) }),
    runLoad({ ...overload, seconds: effort.seconds(11) }),
  ]);
  return {
    name: `${method} p99 at four times that load`,
    value: `${round(busy.p99Ms, 1)} ms`,
    bar: `≤ max(2 × idle, 20 ms), and no ${method} fails`,
    met: busy.p99Ms <= Math.max(2 * idle.p99Ms, 20) && busy.failures === 0,
    detail: `idle ${round(idle.p99Ms, 1)} ms; ${busy.failures} of ${busy.answered} ${method} failed; of ${logins.answered + logins.failures} VerifyPassword ${logins.answered} were answered and the others refused`,
  };
}

async function bareArgon2(seconds: number): Promise<number> {
  const program = join(import.meta.dirname, "bare-argon2.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [program, String(seconds)], {
    env: { ...process.env, UV_THREADPOOL_SIZE: "6" },
  });
  return Number(stdout);
}
