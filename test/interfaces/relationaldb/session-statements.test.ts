import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { NewEvent } from "../../../src/domain/audit/event.ts";
import type { SessionLimits } from "../../../src/domain/session/session.ts";
import type { NewSession } from "../../../src/interfaces/relationaldb/session-repository.ts";
import { aCall } from "../../support/calls.ts";
import { once } from "../../support/counter-line.ts";
import { anEvent } from "../../support/events.ts";
import { wiredRepository } from "../../support/wired-repository.ts";

const hour = 3_600_000;
const limits: SessionLimits = { idleMs: hour, absoluteMs: 24 * hour, leewayMs: 10_000, perUser: 100 };

/** What the contract cannot see of the statements that are transactions of their own. */
describe("statements of sessions on the wire", () => {
  const wired = wiredRepository();
  let session: NewSession;
  let event: NewEvent;

  beforeEach(async () => {
    wired.proxy.faults = () => undefined;
    session = await aSignIn();
    event = anEvent({ userId: session.userId });
    wired.proxy.statements.length = 0;
  });

  const aSignIn = () =>
    wired.repository.transaction(aCall(), async ({ users, credentials }): Promise<NewSession> => {
      const [userId, name] = [randomUUID(), randomUUID()];
      const username = { value: name, key: name };
      await users.insert(userId, { email: undefined, username, displayName: "", attributes: {} });
      await credentials.put(userId, "hash");
      const client = { id: "web", displayName: "", userAgent: "", ipAddress: "" };
      return { id: randomUUID(), userId, caller: "c", audience: "a", client, passwordHash: "hash" };
    });
  const begin = (call = aCall()) => wired.repository.statement(call).sessions.begin(session, limits, event);
  const refresh = (generation: number, call = aCall()) =>
    wired.repository
      .statement(call)
      .sessions.refresh({ id: session.id, generation, caller: undefined }, limits, event);
  const list = () =>
    wired.repository
      .read(aCall())
      .sessions.list({ userId: session.userId, liveOnly: false, after: undefined, limit: 10 });

  test("each is one round trip, whatever becomes of it", async () => {
    await begin();
    for (const generation of [1, 1, 7, 0, 2]) await refresh(generation);
    expect(wired.proxy.statements).toHaveLength(6);
  });

  const losses = [
    { name: "a line that is cut", what: "cut" },
    { name: "40003", what: { code: "40003", message: "result is ambiguous" } },
    { name: "40001", what: { code: "40001", message: "restart transaction" }, when: "before" },
  ] as const;

  test.each(losses)("$name at a begin: one session, and it is answered", async ({ what, ...at }) => {
    wired.proxy.faults = once("insert into sessions", { when: "after", ...at, what });
    const answer = await begin();
    expect(answer?.session).toMatchObject({ id: session.id, generation: 1, state: "live" });
    expect(await list()).toEqual([answer?.session]);
  });

  test.each(losses)("$name at a refresh: one new generation, and it is answered", async ({ what, ...at }) => {
    await begin();
    wired.proxy.faults = once("update sessions", { when: "after", ...at, what });
    const answer = await refresh(1);
    expect(answer?.session).toMatchObject({ generation: 2, state: "live" });
    expect(await list()).toEqual([answer?.session]);
  });

  test("what is in doubt at every try is OUTCOME_UNKNOWN", async () => {
    await begin();
    const what = { code: "40003", message: "result is ambiguous" };
    wired.proxy.faults = (text) =>
      /(update|insert into) sessions/.test(text) ? { when: "after", what } : undefined;
    const unknown = { reason: "OUTCOME_UNKNOWN", kind: "unknown-outcome" };
    await expect(refresh(1, aCall(600))).rejects.toMatchObject(unknown);
    await expect(begin(aCall(600))).rejects.toMatchObject(unknown);
  });
});
