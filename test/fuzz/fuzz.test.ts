import { randomInt } from "node:crypto";
import { fromBinary, fromJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CreateUserResponseSchema } from "../../src/gen/auth/v1/user_service_pb.ts";
import { grpcClients, httpClients } from "../support/clients.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { boundedHeap, memoryOf, settled } from "../support/process-figures.ts";
import { type RunningService, startService } from "../support/service.ts";
import { password } from "../support/services.ts";
import { stress } from "../support/stress.ts";
import type { Answer } from "./answers.ts";
import { grpcInputs } from "./grpc-inputs.ts";
import { GrpcPort } from "./grpc-port.ts";
import { httpInputs } from "./http-inputs.ts";
import { HttpPort } from "./http-port.ts";
import type { Input } from "./inputs.ts";
import type { Known } from "./messages.ts";
import { sendRaw } from "./raw-grpc-port.ts";
import { rawInputs } from "./raw-inputs.ts";
import { type Counts, describeCounts, inputsPerCanary, runFuzz } from "./run.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? randomInt(0x7fff_ffff));
const count = stress(20_000, 1_000_000);
/** V8 and malloc take what they like at first: from here on they hardly take more. */
const warmUpCount = stress(12_000, 50_000);
const maxGrowthMb = 50;

/**
 * Malformed inputs by the thousands, on both ports of one process. FUZZ_SEED sends the same ones again; the database
 * makes ids and tokens of its own, so that what was printed in hex is only nearly the same.
 */
describe(`${count} malformed inputs, FUZZ_SEED=${seed}`, () => {
  let database: TestDatabase;
  let service: RunningService;
  let known: Known;
  let canary: () => Promise<void>;
  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startService({
      ...boundedHeap,
      DATABASE_URL: database.uri,
      AUTH_MIGRATE: "auto",
      AUTH_ARGON2_MEMORY: "7168",
      AUTH_ARGON2_ITERATIONS: "5",
      AUTH_HASH_QUEUE: "1000",
      // A watch that is good is answered at its end only.
      AUTH_MAX_WATCH: "1s",
    });
    known = await fill(service);
    canary = await startCanary(service);
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await database?.drop();
  });

  test("are each answered, and leave the process as it was", {
    timeout: stress(180_000, 5_400_000),
  }, async () => {
    process.stdout.write(`FUZZ_SEED=${seed}\n`);
    const log = new ErrorLog(service);
    const counts: Counts = new Map();
    const faults: string[] = [];
    const created = new Set<string>();
    const usersBefore = await countUsers(database);
    const [grpc, http] = [new GrpcPort(service.grpcAddress, 4), new HttpPort(service.httpUrl)];
    const inputs: fc.Arbitrary<Input> = fc.oneof(
      { weight: 30, arbitrary: grpcInputs(known) },
      { weight: 1, arbitrary: rawInputs(known) },
      { weight: 30, arbitrary: httpInputs(known) },
    );
    const run = {
      inputs,
      inFlight: 64,
      send: (input: Input) => {
        if (input.port === "raw grpc") return sendRaw(service.grpcAddress, input);
        return input.port === "grpc" ? grpc.send(input) : http.send(input);
      },
      counts,
      faults,
      canary,
      onAnswer: (input: Input, answer: Answer) => {
        const id = createdUser(input, answer);
        if (id !== undefined) created.add(id);
      },
      afterPart: () => {
        log.read();
        grpc.renew();
        http.renew();
      },
    };
    const memory = () => memoryOf(service.process);

    await runFuzz({ ...run, seed, count: warmUpCount });
    const memoryBefore = await settled(memory, 0, 3_000);
    const startedAt = performance.now();
    await runFuzz({ ...run, seed: seed + warmUpCount, count });
    const seconds = (performance.now() - startedAt) / 1_000;
    const memoryAfter = await settled(memory, memoryBefore + maxGrowthMb, 15_000);
    process.stdout.write(
      `${describeCounts(counts)}\nFUZZ_SEED=${seed}: ${count} inputs after ${warmUpCount} to warm up, ${seconds.toFixed(1)} s, ` +
        `${count / inputsPerCanary} canaries, ${created.size} users made, memory ${memoryBefore} MB before and ${memoryAfter} MB after\n`,
    );
    expect(faults).toEqual([]);
    await canary();
    log.read();
    expect(log.errors).toEqual([]);
    expect(service.process.output).not.toMatch(/uncaughtException|unhandledRejection/);
    expect(withoutTimeoutWarning(service.process.stderr)).toBe("");
    expect(service.process.child.exitCode).toBe(null);
    expect(await countUsers(database)).toBe(usersBefore + created.size);
    expect(memoryAfter).toBeLessThanOrEqual(memoryBefore + maxGrowthMb);
  });
});

/** Users for the inputs to name, and a token of a page that there is. */
async function fill(service: RunningService): Promise<Known> {
  const { users } = grpcClients(service);
  const made = await Promise.all(
    Array.from({ length: 50 }, (_, i) => users.createUser({ user: { username: `known-${i}` }, password })),
  );
  const { nextPageToken } = await users.listUsers({ pageSize: 2 });
  return { ids: made.map(({ user }) => user?.id ?? ""), pageToken: nextPageToken };
}

/** A user whom no input knows the id of, asked for and logged in on both ports. */
async function startCanary(service: RunningService): Promise<() => Promise<void>> {
  const clients = [grpcClients(service), httpClients(service)];
  const { user } = await clients[0]!.users.createUser({ user: { username: "canary-in-the-mine" }, password });
  return async () => {
    for (const { users, authentication } of clients) {
      await users.getUser({ id: user!.id }, { timeoutMs: 5_000 });
      await authentication.verifyPassword(
        { identifier: "canary-in-the-mine", password },
        { timeoutMs: 5_000 },
      );
    }
  };
}

/** What of the log is kept: defects. The lines about calls would fill the memory of the test. */
class ErrorLog {
  readonly errors: string[] = [];
  readonly #lines: string[];

  constructor(service: RunningService) {
    this.#lines = service.process.lines;
  }

  read(): void {
    this.errors.push(...this.#lines.splice(0).filter(isTrouble));
  }
}

/** Node warns once of the negative timeout that grpc-js makes of a deadline of more than 24 days. */
function withoutTimeoutWarning(stderr: string): string {
  const lines = stderr.split("\n");
  return lines
    .filter((line) => !/TimeoutNegativeWarning|^Timeout duration|--trace-warnings/.test(line))
    .join("\n");
}

/** The id of the user that an input has made, where it was good enough to make one. */
function createdUser(input: Input, { code, body }: Answer): string | undefined {
  if (input.port === "raw grpc") return undefined;
  if (input.port === "grpc") {
    const made = code === "grpc 0" && input.headers[":path"]?.includes("/CreateUser") === true;
    return made ? fromBinary(CreateUserResponseSchema, body.subarray(5)).user?.id : undefined;
  }
  const head = Buffer.from(input.bytes.subarray(0, 500)).toString("latin1");
  if (!head.startsWith("POST /auth.v1.UserService/CreateUser ")) return undefined;
  const message = code === "grpc-web 0" ? body.subarray(5, 5 + body.readUInt32BE(1)) : body;
  if (code !== "200" && code !== "grpc-web 0") return undefined;
  return head.includes("json")
    ? fromJsonString(CreateUserResponseSchema, message.toString()).user?.id
    : fromBinary(CreateUserResponseSchema, message).user?.id;
}

/**
 * Users but those who were imported, each of whom has an event of its own: an import that ends with an error keeps what was
 * made before, and answers none of it.
 */
const users = `
  select count(*) as n
  from users
  where id not in (select user_id from events where type = 'user.imported')
`;

async function countUsers({ uri }: TestDatabase): Promise<number> {
  const client = new Client({ connectionString: uri });
  await client.connect();
  try {
    return Number((await client.query(users)).rows[0].n);
  } finally {
    await client.end();
  }
}

/** That a connection was closed for broken rules is what the log is to say of such input. */
function isTrouble(line: string): boolean {
  return (
    !line.startsWith('{"level":30') &&
    !line.includes('"reason":"HTTP/2 protocol error","msg":"connection closed"')
  );
}
