import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HealthClient } from "../support/health-client.ts";
import {
  endHeaders,
  frameType,
  headerBlock,
  http2Frame,
  preface,
  settingsFrame,
} from "../support/http2-frames.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { boundedHeap, memoryOf, settled } from "../support/process-figures.ts";
import { type RunningService, startService } from "../support/service.ts";
import { destroyAll, openSessions, openStreams } from "./streams.ts";
import { note } from "./under-attack.ts";

const connections = 10;
const messagesEach = 1_000;
/** MB by which resident memory differs between two moments at which nothing happens. */
const noise = 32;
const path = "/auth.v1.UserService/CreateUser";
/** Says that a message of 1 MiB follows. */
const prefix = Buffer.from([0, 0, 0x10, 0, 0]);

describe("10,000 half-sent messages of callers without credentials", () => {
  let database: TestDatabase;
  let service: RunningService;
  beforeAll(async () => {
    database = await createTestDatabase();
    const settings = { DATABASE_URL: database.uri, AUTH_MIGRATE: "auto", AUTH_CALLERS: "known" };
    service = await startService({ ...settings, ...boundedHeap });
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await database?.drop();
  });

  test.each([
    ["in full-size frames", inFullFrames],
    ["in frames of one byte", inOneByteFrames],
  ])("%s hold no memory", { timeout: 120_000 }, async (name, attack) => {
    // V8 keeps the garbage of a busy second for as long as its heap has room, whatever made it. So the heap is filled first
    // by as many refused calls that hold nothing, and what is compared is what the messages hold.
    for (let i = 0; i < 3; i++) await refusedCalls(service.grpcAddress);
    await sleep(2_000);
    const before = await memoryOf(service.process);
    let peak = before;
    const watch = setInterval(async () => {
      peak = Math.max(peak, await memoryOf(service.process));
    }, 50);
    const { stop } = await attack(service.grpcAddress);
    await sleep(2_000);
    clearInterval(watch);
    expect(await new HealthClient(service.grpcAddress).check("readiness")).toBe("SERVING");
    const during = await memoryOf(service.process);
    stop();
    const after = await settled(() => memoryOf(service.process), before + noise, 30_000);
    note(`half-sent messages ${name}`, { before, peak, during, after });
    expect(Math.max(peak, during)).toBeLessThanOrEqual(before + 64);
    expect(after).toBeLessThanOrEqual(before + noise);
  });
});

/** As many calls whose requests are complete. */
async function refusedCalls(address: string): Promise<void> {
  const sessions = openSessions(address, connections);
  for (let i = 0; i < messagesEach; i += 50) {
    openStreams(sessions, 50, { path, first: Buffer.alloc(5), end: true });
    await sleep(20);
  }
  await sleep(1_000);
  destroyAll(sessions);
}

/** As much of each message as flow control lets through, from a client that respects it. */
async function inFullFrames(address: string) {
  const sessions = openSessions(address, connections);
  const first = Buffer.concat([prefix, Buffer.alloc(512 * 1_024)]);
  for (let i = 0; i < messagesEach; i += 50) {
    openStreams(sessions, 50, { path, first });
    await sleep(20);
  }
  return { stop: () => destroyAll(sessions) };
}

/** HEADERS and 60 DATA frames of one byte each: 1,000 times that is what a connection takes unread. */
async function inOneByteFrames(address: string) {
  const at = address.lastIndexOf(":");
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(Number(address.slice(at + 1)), address.slice(0, at)).on("error", () => {});
    socket.resume();
    socket.write(Buffer.concat([preface, settingsFrame()]));
    return socket;
  });
  const headers = headerBlock([
    [":method", "POST"],
    [":scheme", "http"],
    [":authority", address],
    [":path", path],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ]);
  const body = Buffer.concat([prefix, Buffer.alloc(55)]);
  for (let i = 0; i < messagesEach; i++) {
    const stream = 2 * i + 1;
    const frames = [http2Frame(frameType.headers, endHeaders, stream, headers)];
    for (const byte of body) frames.push(http2Frame(frameType.data, 0, stream, Uint8Array.of(byte)));
    const bytes = Buffer.concat(frames);
    for (const socket of sockets) socket.write(bytes);
    if (i % 50 === 0) await sleep(20);
  }
  return { stop: () => destroyAll(sockets) };
}
