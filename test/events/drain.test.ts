import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { type ApiClients, grpcClients, httpClients } from "../support/clients.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { errorOf } from "../support/rpc.ts";
import { type RunningService, startService } from "../support/service.ts";

/** Clients of both ports, each of which watches. */
const doors = [
  { door: "gRPC", clientsOf: grpcClients },
  { door: "Connect over HTTP/1.1", clientsOf: httpClients },
] as const satisfies readonly { door: string; clientsOf: (service: RunningService) => ApiClients }[];

describe("a process that is about to stop", () => {
  test("ends all watches at once, says so, and stops without waiting for them", {
    timeout: 60_000,
  }, async () => {
    const database = await createTestDatabase();
    try {
      const service = await startService({ DATABASE_URL: database.uri, AUTH_MIGRATE: "auto" });
      const cursors: string[] = [];
      const ends = doors.map(({ clientsOf }, n) => {
        const watch = async () => {
          for await (const { cursor } of clientsOf(service).events.watchEvents({})) cursors[n] = cursor;
        };
        return errorOf(watch());
      });
      while (Object.keys(cursors).length < doors.length)
        await new Promise((resolve) => setTimeout(resolve, 20));
      const startedAt = performance.now();
      service.process.kill("SIGTERM");
      for (const end of ends) {
        expect(await end).toMatchObject({ code: Code.Unavailable, reason: "SHUTTING_DOWN" });
      }
      expect(await service.process.exited()).toBe(0);
      // Far less than calls in flight would get.
      expect(performance.now() - startedAt).toBeLessThan(5_000);

      await using next = await startService({ DATABASE_URL: database.uri });
      for (const [n, { clientsOf }] of doors.entries()) {
        const { users, events } = clientsOf(next);
        const { user } = await users.createUser({ user: { username: `user-${n}` } });
        for await (const { event } of events.watchEvents({ cursor: cursors[n]! })) {
          if (event?.userId === user?.id) break;
        }
      }
    } finally {
      await database.drop();
    }
  });

  test("lets a watch live longer than other calls", { timeout: 60_000 }, async () => {
    const database = await createTestDatabase();
    try {
      await using service = await startService({
        DATABASE_URL: database.uri,
        AUTH_MIGRATE: "auto",
        AUTH_MAX_DEADLINE: "500ms",
        AUTH_MAX_WATCH: "3s",
      });
      for (const { clientsOf } of doors) {
        const startedAt = performance.now();
        let answers = 0;
        const heartbeatInterval = { seconds: 1n };
        const watch = (async () => {
          for await (const _ of clientsOf(service).events.watchEvents({ heartbeatInterval })) answers += 1;
        })();
        const error = await watch.catch((reason: unknown) => ConnectError.from(reason));
        expect(error).toMatchObject({ code: Code.DeadlineExceeded });
        expect(performance.now() - startedAt).toBeGreaterThan(2_900);
        // One at once, and two signs of life.
        expect(answers).toBeGreaterThanOrEqual(3);
      }
    } finally {
      await database.drop();
    }
  });
});
