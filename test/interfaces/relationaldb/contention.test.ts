import { afterEach, describe, expect, test } from "vitest";
import { aCall } from "../../support/calls.ts";
import { errorOf, rpcOn } from "../../support/rpc.ts";
import { stress } from "../../support/stress.ts";
import { wiredRepository } from "../../support/wired-repository.ts";

/** That a database which is busy is not taken for one that is away, nor the other way round. */
describe("a database that does not finish in time", () => {
  const wired = wiredRepository();

  afterEach(() => {
    wired.proxy.faults = () => undefined;
  });

  const busy = { reason: "CONTENTION", kind: "aborted", retryAfterMs: expect.any(Number) };
  const away = { reason: "DATABASE_UNAVAILABLE", kind: "unavailable", retryAfterMs: expect.any(Number) };
  const head = () => wired.repository.transaction(aCall(), ({ events }) => events.head());

  test("two users who swap their emails in 20 calls at once are never told that it is away", async () => {
    const { users } = rpcOn(wired.repository);
    for (let round = 0; round < stress(3, 30); round++) {
      const emails = [`a${round}@example.com`, `b${round}@example.com`];
      const pair = await Promise.all(emails.map((email) => users.createUser({ user: { email } })));
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => {
          const id = pair[i % 2]?.user?.id ?? "";
          const user = { id, email: emails[(i + 1) % 2] ?? "" };
          return errorOf(users.updateUser({ user, updateMask: { paths: ["email"] } }));
        }),
      );
      for (const { reason, retryAfterMs } of answers) {
        expect(["EMAIL_TAKEN", "CONTENTION"]).toContain(reason);
        if (reason === "CONTENTION") expect(retryAfterMs).toBeGreaterThan(0);
      }
    }
  });

  test("because every try conflicts is busy", async () => {
    wired.proxy.faults = (text) =>
      text.includes("event_heads")
        ? { when: "before", what: { code: "40001", message: "restart" } }
        : undefined;
    await expect(head()).rejects.toMatchObject(busy);
  });

  test("because a statement takes too long is busy", async () => {
    wired.proxy.faults = (text) =>
      text.includes("event_heads") ? { when: "before", what: { delayMs: 1_900 } } : undefined;
    const slowly = wired.repository.transaction(aCall(), async ({ events }) => {
      await events.head();
      return events.head();
    });
    await expect(slowly).rejects.toMatchObject(busy);
  });

  test("because others have all connections is busy for those who wait for one", async () => {
    wired.proxy.faults = (text) =>
      text.includes("event_heads") ? { when: "before", what: { delayMs: 5_000 } } : undefined;
    const answers = await Promise.allSettled(Array.from({ length: 9 }, head));
    for (const answer of answers) expect(answer).toMatchObject({ status: "rejected", reason: busy });
  });

  test("and answers nothing at all is away, also for those who wait for a connection", async () => {
    wired.proxy.faults = () => ({ when: "before", what: { delayMs: 10_000 } });
    const answers = await Promise.allSettled(Array.from({ length: 9 }, head));
    for (const answer of answers) expect(answer).toMatchObject({ status: "rejected", reason: away });
  });
});
