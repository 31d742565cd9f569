import { randomUUID } from "node:crypto";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  ImportUsersRequestSchema,
  type ImportUsersResponse,
  ImportUsersResponseSchema,
} from "../../src/gen/auth/v1/user_transfer_service_pb.ts";
import { grpcClients, httpClients } from "../support/clients.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { errorOf } from "../support/rpc.ts";
import { type RunningService, startService } from "../support/service.ts";
import { password } from "../support/services.ts";
import { sharedService } from "../support/shared-service.ts";
import { hashOfPassword } from "../support/user-records.ts";

type Message = MessageInitShape<typeof ImportUsersRequestSchema>;

const path = "/auth.v1.UserTransferService/ImportUsers";
const encode = (message: Message) =>
  Buffer.from(toBinary(ImportUsersRequestSchema, create(ImportUsersRequestSchema, message)));

/** One import by @grpc/grpc-js alone, message by message. */
function openImport({ grpcAddress }: Pick<RunningService, "grpcAddress">) {
  const client = new Client(grpcAddress, credentials.createInsecure(), { "grpc.enable_retries": 0 });
  onTestFinished(() => client.close());
  const { promise, resolve } = Promise.withResolvers<ImportUsersResponse | ServiceError>();
  const decode = (bytes: Buffer) => fromBinary(ImportUsersResponseSchema, bytes);
  const call = client.makeClientStreamRequest(path, encode, decode, (error, answer) =>
    resolve(error ?? (answer as ImportUsersResponse)),
  );
  return { send: (message: Message) => void call.write(message), call, answer: promise };
}

const batch = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => ({ user: { username: `user-${from + n}` } }));

async function usernames(service: RunningService): Promise<string[]> {
  const names: string[] = [];
  for await (const { users } of grpcClients(service).transfers.exportUsers({})) {
    names.push(...users.map(({ user }) => user?.username ?? ""));
  }
  return names.sort();
}

const expected = (count: number) =>
  batch(0, count)
    .map(({ user }) => user.username)
    .sort();

async function* stream(messages: readonly Message[]) {
  yield* messages;
}

describe("imports over sockets", () => {
  const shared = sharedService();

  test("on both ports, of moved-in users who then sign in", async () => {
    const passwordHash = await hashOfPassword();
    for (const [name, clients] of Object.entries({
      grpc: grpcClients(shared.running),
      http: httpClients(shared.running),
    })) {
      const message = { users: [{ user: { username: `${name}-ada` }, passwordHash }] };
      const other = {
        users: [{ user: { username: `${name}-grace` } }, { user: { username: `${name}-ADA` } }],
      };
      const { results, refusedCount } = await clients.transfers.importUsers(stream([message, other]));
      expect([results.length, refusedCount]).toEqual([3, 1]);
      const { user } = await clients.authentication.verifyPassword({ identifier: `${name}-ada`, password });
      expect(user?.id).toBe(results[0]?.result.value);
      const tooMany = { users: batch(0, 501) };
      const error = await errorOf(clients.transfers.importUsers(stream([tooMany])));
      expect(error).toMatchObject({ reason: "INVALID_REQUEST", fields: ["users"] });
    }
  });

  test("of as many rows as there may be, all refused, are answered whole", async () => {
    const messages = Array.from({ length: 20 }, () => ({
      users: Array.from({ length: 500 }, () => ({
        user: { username: "moved", displayName: "\n".repeat(300), attributes: { Ä: "", Ö: "", Ü: "" } },
      })),
    }));
    const { transfers } = grpcClients(shared.running);
    const { results, refusedCount } = await transfers.importUsers(stream(messages));
    expect([results.length, refusedCount]).toEqual([10_000, 10_000]);
    const size = toBinary(ImportUsersResponseSchema, create(ImportUsersResponseSchema, { results })).length;
    expect(size).toBeLessThan(4 * 2 ** 20);
    const error = await errorOf(transfers.importUsers(stream([...messages, { users: batch(0, 1) }])));
    expect(error).toMatchObject({ reason: "INVALID_REQUEST", fields: ["users"] });
  }, 60_000);
});

test("an import that its caller cuts off keeps what was made, and is finished when it is sent again", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  await using service = await startService({ DATABASE_URL: database.uri, AUTH_MIGRATE: "auto" });
  const requestId = randomUUID();
  const messages = [0, 1, 2].map((n) => ({ requestId, users: batch(n * 100, 100) }));
  const cut = openImport(service);
  for (const message of messages.slice(0, 2)) cut.send(message);
  await expect.poll(() => usernames(service), { timeout: 10_000 }).toEqual(expected(200));
  cut.call.cancel();
  expect(await cut.answer).toMatchObject({ code: 1 });
  const again = openImport(service);
  for (const message of messages) again.send(message);
  again.call.end();
  expect(await again.answer).toMatchObject({ refusedCount: 0 });
  expect(await usernames(service)).toEqual(expected(300));
}, 60_000);

test("an import whose server is killed keeps what was made, and is finished by the next one", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const environment = { DATABASE_URL: database.uri, AUTH_MIGRATE: "auto" };
  const requestId = randomUUID();
  const messages = [0, 1, 2, 3].map((n) => ({ requestId, users: batch(n * 100, 100) }));
  {
    await using service = await startService(environment);
    const { send, answer } = openImport(service);
    for (const message of messages.slice(0, 3)) send(message);
    await expect
      .poll(async () => (await usernames(service)).length, { interval: 1, timeout: 10_000 })
      .toBeGreaterThan(0);
    service.process.kill("SIGKILL");
    expect(await answer).toMatchObject({ code: 14 });
  }
  await using service = await startService(environment);
  // Whole batches only.
  expect((await usernames(service)).length % 100).toBe(0);
  const again = openImport(service);
  for (const message of messages) again.send(message);
  again.call.end();
  expect(await again.answer).toMatchObject({ refusedCount: 0 });
  expect(await usernames(service)).toEqual(expected(400));
}, 60_000);
