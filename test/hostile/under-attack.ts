import { Agent, request } from "node:http";
import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect } from "vitest";
import { GetUserRequestSchema } from "../../src/gen/auth/v1/user_service_pb.ts";
import { grpcClients } from "../support/clients.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { boundedHeap, descriptorsOf, memoryOf, settled } from "../support/process-figures.ts";
import { frame } from "../support/raw-http2.ts";
import { type Environment, type RunningService, startService } from "../support/service.ts";
import { password } from "../support/services.ts";

export const grpcHeaders = { ":method": "POST", "content-type": "application/grpc", te: "trailers" };
export const getUserPath = "/auth.v1.UserService/GetUser";

/** How long a new caller may wait while the service is under attack. Attacker, service and other tests share two cores. */
const usualCanaryMs = 10_000;

/** What the service had open and held before somebody attacked it. */
export interface Figures {
  readonly memory: number;
  readonly descriptors: number;
}

/** A service of a file's own that is attacked. */
export interface UnderAttack {
  readonly running: RunningService;
  readonly getUser: Buffer;
  /** Calls GetUser on both ports on fresh connections. Fails where it is not answered, or late. Answers the worst time. */
  canary(mostMs?: number): Promise<number>;
  figures(): Promise<Figures>;
  /** Waits until descriptors and memory are as they were, but for 5 and for so many MB. Fails where they are not. */
  calm(before: Figures, moreMemory?: number): Promise<Figures>;
}

export function serviceUnderAttack(environment: Environment): UnderAttack {
  let database: TestDatabase;
  let running: RunningService;
  let id: string;
  beforeAll(async () => {
    database = await createTestDatabase();
    const settings = { DATABASE_URL: database.uri, AUTH_MIGRATE: "auto", ...boundedHeap };
    running = await startService({ ...settings, ...environment });
    const { users } = grpcClients(running);
    id = (await users.createUser({ user: { username: "canary" }, password })).user?.id ?? "";
    // All connections to the database are open, and what is called often is compiled, before anything is measured.
    for (let i = 0; i < 40; i++) await Promise.all(Array.from({ length: 50 }, () => users.getUser({ id })));
    for (let i = 0; i < 20; i++) await attacked.canary();
  });
  afterAll(async () => {
    try {
      expect(running.process.output).not.toMatch(/uncaughtException|unhandledRejection/);
      expect(running.process.log.filter(({ level }) => level === 50)).toEqual([]);
      expect(running.process.stderr).toBe("");
    } finally {
      await running?.[Symbol.asyncDispose]();
      await database?.drop();
    }
  });

  const attacked: UnderAttack = {
    get running() {
      return running;
    },
    get getUser() {
      return frame(toBinary(GetUserRequestSchema, create(GetUserRequestSchema, { id })));
    },
    async canary(mostMs = usualCanaryMs) {
      const startedAt = performance.now();
      const answers = await Promise.all([overGrpc(running, this.getUser), overHttp(running, id)]);
      const ms = performance.now() - startedAt;
      expect(answers).toEqual(["0", 200]);
      expect(ms).toBeLessThan(mostMs);
      return Math.round(ms);
    },
    async figures() {
      const { process } = running;
      return { memory: await memoryOf(process), descriptors: await descriptorsOf(process) };
    },
    async calm(before, moreMemory = 50) {
      const { process } = running;
      const mostDescriptors = before.descriptors + 5;
      const descriptors = await settled(() => descriptorsOf(process), mostDescriptors, 30_000);
      const mostMemory = before.memory + moreMemory;
      const memory = await settled(() => memoryOf(process), mostMemory, 15_000);
      expect(descriptors).toBeLessThanOrEqual(mostDescriptors);
      expect(memory).toBeLessThanOrEqual(mostMemory);
      return { memory, descriptors };
    },
  };
  return attacked;
}

/** Writes down what was measured, beside the outcome of the test. */
export function note(what: string, figures: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${what}: ${JSON.stringify(figures)}\n`);
}

function overGrpc({ grpcAddress }: RunningService, body: Buffer): Promise<unknown> {
  return new Promise((resolve) => {
    const session = connect(`http://${grpcAddress}`).on("error", resolve);
    const stream = session.request({ ...grpcHeaders, ":path": getUserPath });
    let status: unknown = "no status";
    const onHeaders = (headers: Readonly<Record<string, unknown>>) => {
      status = headers["grpc-status"] ?? status;
    };
    stream.on("response", onHeaders).on("trailers", onHeaders).on("error", resolve).resume();
    stream.on("close", () => {
      session.destroy();
      resolve(status);
    });
    stream.end(body);
  });
}

function overHttp({ httpUrl }: RunningService, id: string): Promise<unknown> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json" };
    const call = request(
      httpUrl + getUserPath,
      { method: "POST", headers, agent: new Agent({ keepAlive: false }) },
      (response) => {
        response.resume().on("end", () => resolve(response.statusCode));
      },
    );
    call.on("error", resolve).end(JSON.stringify({ id }));
  });
}
