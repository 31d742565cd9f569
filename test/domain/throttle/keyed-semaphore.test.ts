import { describe, expect, test } from "vitest";
import { KeyedSemaphore } from "../../../src/domain/throttle/keyed-semaphore.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";

/** Work that lasts until it is let go. */
function heldWork() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { work: () => promise, letGo: resolve };
}

const gone = new Error("the call was cancelled");

describe("turns", () => {
  test("so many of one name run at once, the others after them in their order, and other names beside them", async () => {
    const turns = new KeyedSemaphore(2);
    const held = [heldWork(), heldWork(), heldWork(), heldWork()];
    const begun: number[] = [];
    const all = held.map(({ work }, place) =>
      turns.run(aCall(), "ada", () => {
        begun.push(place);
        return work();
      }),
    );
    expect(await turns.run(aCall(), "grace", async () => "beside")).toBe("beside");
    expect(begun).toEqual([0, 1]);
    held[1]!.letGo();
    await all[1];
    await Promise.resolve();
    expect(begun).toEqual([0, 1, 2]);
    for (const { letGo } of held) letGo();
    await Promise.all(all);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  test("work that fails passes its turn on", async () => {
    const turns = new KeyedSemaphore(1);
    const failed = turns.run(aCall(), "ada", () => Promise.reject(gone));
    const next = turns.run(aCall(), "ada", async () => "next");
    await expect(failed).rejects.toBe(gone);
    expect(await next).toBe("next");
  });

  test.each(["before it asks", "while it waits"])(
    "a caller who goes %s has no turn, and keeps none",
    async (when) => {
      const turns = new KeyedSemaphore(1);
      const held = heldWork();
      const first = turns.run(aCall(), "ada", held.work);
      const { call, cancel } = aCancellableCall();
      if (when === "before it asks") cancel(gone);
      const cancelled = turns.run(call, "ada", () => expect.fail("it ran"));
      if (when === "while it waits") cancel(gone);
      await expect(cancelled).rejects.toBe(gone);
      held.letGo();
      await first;
      expect(await turns.run(aCall(), "ada", async () => "next")).toBe("next");
    },
  );
});
