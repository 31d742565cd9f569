import type { ClientHttp2Stream } from "node:http2";
import { describe, expect, test } from "vitest";
import { destroyAll, ended, openAfter, openSessions, openStreams, tally } from "./streams.ts";
import { getUserPath, note, serviceUnderAttack } from "./under-attack.ts";

const maxDeadlineMs = 2_000;

/** What a caller gets to read its answer and to end its request, and a little. */
const unreadMs = 15_000 + 5_000;

/** All at once, because each is a matter of waiting. */
describe("callers of the gRPC port that never finish", () => {
  const attacked = serviceUnderAttack({ AUTH_MAX_DEADLINE: `${maxDeadlineMs}ms` });

  /** 5,000 stalled streams, 200 bodies that never end a byte at a time, and 20 as fast as they are taken. */
  function stall() {
    const address = attacked.running.grpcAddress;
    const sessions = openSessions(address, 30);
    const deafSessions = openSessions(address, 2, { settings: { initialWindowSize: 0 } });
    const watching = { path: "/grpc.health.v1.Health/Watch", first: Buffer.alloc(5), end: true };
    const watches = openStreams(sessions.slice(0, 2), 750, watching);
    const silent = openStreams(sessions.slice(2, 6), 625, { path: getUserPath });
    const unread = openStreams(deafSessions, 500, { path: getUserPath, first: attacked.getUser, end: true });
    const beginning = { path: getUserPath, first: Buffer.from([0, 0, 1, 0, 0, 1]) };
    const slow = openStreams(sessions.slice(6, 10), 50, beginning);
    const trickle = setInterval(() => {
      for (const stream of slow) if (!stream.closed) stream.write("x");
    }, 200);
    const claim = { path: getUserPath, first: Buffer.from([0, 0xff, 0xff, 0xff, 0xff]) };
    const floods = openStreams(sessions.slice(10), 1, claim);
    for (const stream of floods) flood(stream);
    const endings = Promise.all([silent, slow, floods].map((all) => Promise.all(all.map(ended))));
    return {
      watches,
      /** All whose callers ought to be let go of. */
      stalled: [silent, slow, floods, unread],
      codes: async () => (await endings).map(tally),
      stop() {
        clearInterval(trickle);
        destroyAll([...sessions, ...deafSessions]);
      },
    };
  }

  test("are answered at the deadline and let go of, and others are served meanwhile", {
    timeout: 90_000,
  }, async () => {
    // Memory is compared with the most that three times of the same have taken: it goes up and down by tens of MB.
    const fresh = await attacked.figures();
    const before = { ...fresh };
    for (let i = 0; i < 3; i++) {
      const earlier = stall();
      await earlier.codes();
      before.memory = Math.max(before.memory, (await attacked.figures()).memory);
      earlier.stop();
      await attacked.calm(fresh, Number.POSITIVE_INFINITY);
    }

    const { watches, stalled, codes, stop } = stall();
    const startedAt = performance.now();
    const canaries = [await attacked.canary()];
    const answers = await codes();
    const answeredMs = Math.round(performance.now() - startedAt);
    canaries.push(await attacked.canary());
    const during = await attacked.figures();
    const open = await Promise.all(stalled.map((all) => openAfter(all, unreadMs)));
    const watching = watches.filter((stream) => !stream.closed).length;
    canaries.push(await attacked.canary());
    stop();
    // What is allocated outside of the heap settles anywhere between 240 and 300 MB.
    const after = await attacked.calm(before, 100);
    note("gRPC port", { fresh, before, during, after, canaries, answeredMs, answers, open, watching });

    expect(answers).toEqual([{ 4: 2_500 }, { 4: 200 }, { 8: 20 }]);
    expect(answeredMs).toBeLessThan(maxDeadlineMs + 10_000);
    expect(open).toEqual([0, 0, 0, 0]);
    // A watch is open by design: as many as a connection may have.
    expect(watching).toBe(watches.length);
    expect(during.memory).toBeLessThan(before.memory + 150);
  });
});

/** Sends as fast as the service reads. */
function flood(stream: ClientHttp2Stream): void {
  const more = Buffer.alloc(65_536);
  const pump = () => {
    while (!stream.closed && stream.write(more));
  };
  stream.on("drain", pump);
  pump();
}
