import { constants } from "node:http2";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, test } from "vitest";
import { VerifyPasswordRequestSchema } from "../../src/gen/auth/v1/authentication_service_pb.ts";
import { grpcClients } from "../support/clients.ts";
import { cpuMsOf } from "../support/process-figures.ts";
import { frame } from "../support/raw-http2.ts";
import { password } from "../support/services.ts";
import { destroyAll, openSessions, openStreams } from "./streams.ts";
import { note, serviceUnderAttack } from "./under-attack.ts";

const callers = 500;
const verifyPath = "/auth.v1.AuthenticationService/VerifyPassword";

/**
 * One hash takes so long here that the processor's time tells how many were computed. Those that had begun are
 * finished: argon2 cannot be stopped.
 */
describe("a caller that has gone", () => {
  const attacked = serviceUnderAttack({
    AUTH_ARGON2_MEMORY: "131072",
    AUTH_HASH_CONCURRENCY: "1",
    AUTH_HASH_QUEUE: "1000",
  });
  const login = { identifier: "canary", password };
  let hashMs: number;
  beforeAll(async () => {
    const { authentication } = grpcClients(attacked.running);
    await authentication.verifyPassword(login);
    const startedAt = await cpuMsOf(attacked.running.process);
    for (let i = 0; i < 5; i++) await authentication.verifyPassword(login);
    hashMs = ((await cpuMsOf(attacked.running.process)) - startedAt) / 5;
  });

  /** How many hashes are computed from when callers ask until one who has not gone is answered. */
  async function hashesOf(askAndGo: () => Promise<void>): Promise<number> {
    const { authentication } = grpcClients(attacked.running);
    const startedAt = await cpuMsOf(attacked.running.process);
    await askAndGo();
    // Whoever comes then waits for a hash that runs, and for nothing else.
    await authentication.verifyPassword(login, { timeoutMs: 10_000 });
    await sleep(500);
    return ((await cpuMsOf(attacked.running.process)) - startedAt) / hashMs;
  }

  const message = () => toBinary(VerifyPasswordRequestSchema, create(VerifyPasswordRequestSchema, login));

  const ways: [string, () => Promise<void>][] = [
    [
      "cancels its call right away",
      async () => {
        const sessions = openSessions(attacked.running.grpcAddress, 4);
        const calls = openStreams(sessions, callers / 4, {
          path: verifyPath,
          first: frame(message()),
          end: true,
        });
        for (const call of calls) call.close(constants.NGHTTP2_CANCEL);
        await Promise.all(calls.map((call) => new Promise((resolve) => call.on("close", resolve))));
        destroyAll(sessions);
      },
    ],
    [
      "cancels its call while it waits for its turn",
      async () => {
        const sessions = openSessions(attacked.running.grpcAddress, 4);
        const calls = openStreams(sessions, callers / 4, {
          path: verifyPath,
          first: frame(message()),
          end: true,
        });
        await sleep(400);
        for (const call of calls) call.close(constants.NGHTTP2_CANCEL);
        await sleep(100);
        destroyAll(sessions);
      },
    ],
    [
      "loses its connection",
      async () => {
        const sessions = openSessions(attacked.running.grpcAddress, 4);
        openStreams(sessions, callers / 4, { path: verifyPath, first: frame(message()), end: true });
        await sleep(400);
        destroyAll(sessions);
      },
    ],
    [
      "closes its connection to the HTTP port",
      async () => {
        const { hostname, port } = new URL(attacked.running.httpUrl);
        const body = JSON.stringify(login);
        const head = `POST ${verifyPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
        const sockets = Array.from({ length: callers }, () => {
          const socket = connect(Number(port), hostname).on("error", () => {});
          socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
          return socket;
        });
        await sleep(1_000);
        destroyAll(sockets);
      },
    ],
  ];

  test.each(ways)("and %s has no hash computed for it", { timeout: 60_000 }, async (name, askAndGo) => {
    const before = await attacked.figures();
    const loggedBefore = attacked.running.process.lines.length;
    const hashes = await hashesOf(askAndGo);
    const calls = attacked.running.process.log.slice(loggedBefore);
    const codes = Map.groupBy(calls, ({ code }) => code);
    const counts = Object.fromEntries([...codes].map(([code, lines]) => [code, lines.length]));
    const after = await attacked.calm(before, Number.POSITIVE_INFINITY);
    note(`${callers} × ${name}`, { hashMs, hashes, counts, before, after });
    // The one of the caller who stayed, those that had their turn before the callers went, and what 500 calls cost
    // without any hash.
    const turns = 1_500 / hashMs;
    expect(hashes).toBeLessThan(callers / 10);
    expect(hashes).toBeLessThan(2 + turns + 2_500 / hashMs);
    expect(Object.keys(counts)).not.toContain("INTERNAL");
  });
});
