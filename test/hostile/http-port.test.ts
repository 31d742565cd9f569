import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { getUserPath, note, serviceUnderAttack } from "./under-attack.ts";

/** A connection that is watched until the service closes it. */
interface Watched {
  readonly socket: Socket;
  /** The status line, as far as one has come. */
  readonly status: () => string;
  readonly closedAfterMs: Promise<number>;
}

/**
 * The service closes an unused connection after 65 s, one with unfinished headers after 10 s and one with an unfinished
 * request after 20 s. It looks each second.
 */
const unusedMs = 65_000;
const headersMs = 10_000;
const requestMs = 20_000;
const slackMs = 6_000;

/** All of them at once, because each is a matter of waiting. */
describe("callers of the HTTP port that never finish", () => {
  const attacked = serviceUnderAttack({ AUTH_MAX_DEADLINE: "2s" });

  function open(first: string, each: string | undefined): Watched {
    const { hostname, port } = new URL(attacked.running.httpUrl);
    const socket = connect(Number(port), hostname).on("error", () => {});
    const startedAt = performance.now();
    let received = "";
    socket.on("data", (data) => {
      received = received.length < 1_000 ? received + data : received;
    });
    const timer = each === undefined ? undefined : setInterval(() => socket.write(each), 250);
    const closedAfterMs = new Promise<number>((resolve) =>
      socket.on("close", () => {
        clearInterval(timer);
        resolve(performance.now() - startedAt);
      }),
    );
    if (first !== "") socket.write(first);
    return { socket, status: () => received.split("\r\n")[0] ?? "", closedAfterMs };
  }

  const many = (count: number, first: string, each?: string) =>
    Array.from({ length: count }, () => open(first, each));
  const post = `POST ${getUserPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;

  function stall() {
    const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;
    return {
      idle: many(1_000, ""),
      headers: many(200, `${post}X-Slow: `, "x"),
      bodies: many(100, `${post}Content-Length: 100000\r\n\r\n{`, " "),
      chunks: many(100, `${chunked}1\r\n{\r\n`, "1\r\n \r\n"),
      floods: many(20, chunked).map(flood),
    };
  }

  test("are closed, and others are served meanwhile", { timeout: 180_000 }, async () => {
    // Once to warm up: memory is compared between two times of the same.
    const fresh = await attacked.figures();
    const first = Object.values(stall()).flat();
    await sleep(3_000);
    for (const { socket } of first) socket.destroy();
    await attacked.calm(fresh, Number.POSITIVE_INFINITY);
    const before = await attacked.figures();

    const stalled = Object.entries(stall());
    const worst = { canaryMs: 0, memory: 0, descriptors: 0 };
    let over = false;
    const closedAfterMs = Promise.all(stalled.map(([, all]) => lastClosed(all))).finally(() => {
      over = true;
    });
    while (!over) {
      const { memory, descriptors } = await attacked.figures();
      worst.canaryMs = Math.max(worst.canaryMs, await attacked.canary());
      worst.memory = Math.max(worst.memory, memory);
      worst.descriptors = Math.max(worst.descriptors, descriptors);
      await sleep(500);
    }
    const times = await closedAfterMs;
    const after = await attacked.calm(before);
    const answers = stalled.map(([kind, all]) => [kind, ...new Set(all.map((each) => each.status()))]);
    note("HTTP port", { fresh, before, worst, after, times, answers });
    expect(worst.descriptors).toBeGreaterThan(before.descriptors + 1_000);
    expect(worst.memory).toBeLessThan(before.memory + 100);
    const [idle = 0, headers = 0, ...bodies] = times;
    expect(idle).toBeLessThan(unusedMs + slackMs);
    expect(headers).toBeLessThan(headersMs + slackMs);
    expect(Math.max(...bodies)).toBeLessThan(requestMs + slackMs);
  });
});

async function lastClosed(all: readonly Watched[]): Promise<number> {
  return Math.round(Math.max(...(await Promise.all(all.map((each) => each.closedAfterMs)))));
}

const kibibytes64 = Buffer.from(`10000\r\n${" ".repeat(0x10000)}\r\n`);

/** Sends as fast as the service reads. */
function flood(watched: Watched): Watched {
  const { socket } = watched;
  const pump = () => {
    while (!socket.destroyed && socket.write(kibibytes64));
  };
  socket.on("drain", pump).once("connect", pump);
  return watched;
}
