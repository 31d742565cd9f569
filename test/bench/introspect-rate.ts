import { join } from "node:path";
import {
  BatchIntrospectTokensRequestSchema,
  IntrospectTokenRequestSchema,
} from "../../src/gen/auth/v1/token_service_pb.ts";
import { LookupUserRequestSchema } from "../../src/gen/auth/v1/user_service_pb.ts";
import { grpcClients } from "../support/clients.ts";
import { cpuMsOf } from "../support/process-figures.ts";
import { openBenchDatabase } from "./bench-database.ts";
import { startBenchService } from "./bench-service.ts";
import type { Effort } from "./effort.ts";
import { type Figure, median, round } from "./figure.ts";
import { getUser } from "./get-user-rate.ts";
import { encoded, type LoadJob, type LoadResult, runLoad } from "./load-job.ts";
import { MeasuredProcess } from "./measured-process.ts";

type Job = Omit<LoadJob, "seconds">;

const password = "correct horse battery staple";
const rounds = 5;
const introspectPath = "/auth.v1.TokenService/IntrospectToken";

/** The access tokens of so many sign-ins, each of a session of its own. */
export async function signIns(
  grpcAddress: string,
  who: { readonly identifier: string; readonly password: string },
  count: number,
): Promise<string[]> {
  const { authentication } = grpcClients({ grpcAddress });
  const tokens: string[] = [];
  while (tokens.length < count) {
    const answer = await authentication.authenticate({
      ...who,
      audience: "development",
      client: { id: "bench" },
    });
    tokens.push(answer.tokens?.accessToken ?? "");
  }
  return tokens;
}

/** The job of asking the database about tokens, one a call. */
export function introspect(
  address: string,
  tokens: readonly string[],
  maxStaleness?: { seconds: bigint },
): Job {
  const messages = tokens.map((token) =>
    encoded(IntrospectTokenRequestSchema, { token, ...(maxStaleness && { maxStaleness }) }),
  );
  return { address, path: introspectPath, messages, inFlight: 64 };
}

/** Introspection beside reads, beside a bare echo for answers from memory, and a hundred at once beside single ones. */
export async function introspectRate(effort: Effort): Promise<Figure[]> {
  const seconds = effort.seconds(3);
  const atOnce = effort.smoke ? 5 : 100;
  await using database = await openBenchDatabase(effort.count(10_000));
  await using service = await startBenchService(database.uri, { env: { AUTH_ACCESS_TOKEN_LIFETIME: "1h" } });
  await using echo = new MeasuredProcess([join(import.meta.dirname, "echo-server.ts"), "grpc-js"]);
  const who = { identifier: "ada", password };
  await grpcClients({ grpcAddress: service.address }).users.createUser({
    user: { username: "ada" },
    password,
  });
  const tokens = await signIns(service.address, who, atOnce);
  const pumped = (job: Job) => () => runLoad({ ...job, seconds });
  const loads = [
    new Load("getUser", service, pumped(getUser(service.address, database))),
    new Load("introspect", service, pumped(introspect(service.address, tokens))),
    new Load("fromMemory", service, pumped(introspect(service.address, tokens, { seconds: 1n }))),
    new Load("echo", echo, pumped(echoJob(await echo.firstLine))),
    new Load("batch", service, pumped(batch(service.address, tokens))),
  ];
  for (let i = 0; i < effort.rounds(rounds) + 1; i++) {
    // The first round warms up.
    for (const load of loads) await load.measure(i > 0);
  }
  const rates = Object.fromEntries(loads.map((load) => [load.name, load.rates]));
  const says = (name: string) => loads.find((load) => load.name === name)?.toString() ?? "";
  const ratio = (name: string, base: string, times = 1) =>
    median((rates[name] ?? []).map((rate, i) => (rate * times) / (rates[base]?.[i] ?? 0)));
  const figure = (name: string, value: number, bar: number, detail: string): Figure => {
    return { name, value: round(value), bar: `≥ ${bar}`, met: value >= bar, detail };
  };
  return [
    figure(
      "IntrospectToken/s without staleness ÷ GetUser/s",
      ratio("introspect", "getUser"),
      0.8,
      `${says("introspect")} ÷ ${says("getUser")}`,
    ),
    figure(
      "IntrospectToken/s with 1 s staleness ÷ bare grpc-js echo/s",
      ratio("fromMemory", "echo"),
      0.6,
      `${says("fromMemory")} ÷ ${says("echo")}`,
    ),
    figure(
      `tokens/s by BatchIntrospectTokens of ${atOnce} ÷ by single calls`,
      ratio("batch", "introspect", atOnce),
      10,
      `${says("batch")} ÷ ${says("introspect")}`,
    ),
  ];
}

function batch(address: string, tokens: readonly string[]): Job {
  const messages = [encoded(BatchIntrospectTokensRequestSchema, { tokens: [...tokens] })];
  return { address, path: "/auth.v1.TokenService/BatchIntrospectTokens", messages, inFlight: 8 };
}

/** One kind of call, and what its rounds came to. */
class Load {
  readonly name: string;
  readonly rates: number[] = [];
  readonly #costs: number[] = [];
  readonly #server: Parameters<typeof cpuMsOf>[0];
  readonly #run: () => Promise<LoadResult>;

  constructor(name: string, server: Parameters<typeof cpuMsOf>[0], run: () => Promise<LoadResult>) {
    this.name = name;
    this.#server = server;
    this.#run = run;
  }

  async measure(counts: boolean): Promise<void> {
    const before = await cpuMsOf(this.#server);
    const { perSecond, answered, failures } = await this.#run();
    if (failures > 0) throw new Error(`${failures} calls failed: ${this.name}`);
    if (!counts) return;
    this.rates.push(perSecond);
    this.#costs.push((((await cpuMsOf(this.#server)) - before) / answered) * 1e3);
  }

  toString(): string {
    return `${round(median(this.rates), 0)}/s (${round(median(this.#costs), 0)} µs of CPU each)`;
  }
}

function echoJob(address: string): Job {
  const request = { identifier: { case: "username" as const, value: "ada.lovelace-0001" } };
  const messages = [encoded(LookupUserRequestSchema, request)];
  return { address, path: "/auth.v1.UserService/LookupUser", messages, inFlight: 64 };
}
