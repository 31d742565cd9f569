import { randomUUID } from "node:crypto";
import { sql } from "slonik";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Event_Outcome, Event_Type } from "../../src/gen/auth/v1/event_pb.ts";
import { toEventMessage } from "../../src/interfaces/rpc/event-message.ts";
import { anEvent } from "../support/events.ts";
import { type FaultLane, FaultLanes } from "../support/fault-lane.ts";
import { mutationScenarios, newIds } from "../support/mutation-scenarios.ts";
import { otherPassword, password } from "../support/services.ts";

const textRow = z.object({ text: z.string() });

/** What the calls of the scenarios say, and what is made of it. None of it is an id or the name of a field. */
const values = [password, otherPassword, "after", "before", "spam", "$argon2", "ada"];

describe("every RPC that writes", () => {
  const lanes = new FaultLanes("postgresql", 1);
  afterAll(() => lanes[Symbol.asyncDispose]());

  /** The events of what was done, without those of passwords that were only looked at. */
  const eventsOf = async ({ rpc }: FaultLane) =>
    (await rpc.events.listEvents({})).events.filter(({ type }) => type !== Event_Type.PASSWORD_VERIFIED);

  test.each(mutationScenarios)("$name: one event of what it did, once, and no value", (scenario) =>
    lanes.use(async (lane) => {
      const ids = newIds();
      await lane.layOut(await scenario.user(ids.id));
      const requestId = `r-${randomUUID()}`;
      await scenario.call(lane.rpc, ids, { headers: { "x-request-id": requestId } });
      const events = await eventsOf(lane);
      const { type, changedFields } = scenario.event;
      expect(events).toHaveLength(1);
      expect(events[0]).toMatchObject({
        type: toEventMessage({ ...anEvent(), type, createTime: new Date() }).type,
        outcome: Event_Outcome.SUCCESS,
        reason: "",
        changedFields,
        caller: "anonymous",
        requestId,
        objectId: "",
      });
      const { rows } = await lane.pool.query(sql.type(textRow)`
        select users.id::text as text
        from users
      `);
      expect(rows.map(({ text }) => text)).toEqual([events[0]?.userId]);

      await scenario.call(lane.rpc, ids, { headers: { "x-request-id": `r-${randomUUID()}` } });
      expect(await eventsOf(lane)).toEqual(events);

      const stored = (await rowsOf(lane)).join("\n");
      expect(stored).toContain(requestId);
      expect(values.filter((value) => stored.includes(value))).toEqual([]);
    }),
  );

  test("that is refused leaves no event, or one of the password that was wrong", () =>
    lanes.use(async (lane) => {
      for (const scenario of mutationScenarios) {
        // Of a user that is not there, or one that another has the name of.
        const isImport = scenario.event.type === "user.imported";
        const isCreation = isImport || scenario.event.type === "user.created";
        const ids = newIds();
        await lane.layOut(isCreation ? { id: ids.id, username: "ada", state: "active" } : undefined);
        const answer = expect(scenario.call(lane.rpc, ids), scenario.name);
        await (isImport ? answer.resolves.toMatchObject({ refusedCount: 1 }) : answer.rejects.toThrow());
        const stored = await rowsOf(lane);
        expect(stored, scenario.name).toHaveLength(scenario.attempt === undefined ? 0 : 1);
        for (const row of stored) {
          expect(row).toContain(`,${scenario.attempt},failure,CREDENTIALS_INVALID,`);
          expect(values.filter((value) => row.includes(value))).toEqual([]);
        }
      }
    }));
});

/** Every row of the table as text, without its ids. */
async function rowsOf({ pool }: FaultLane): Promise<string[]> {
  const { rows } = await pool.query(sql.type(textRow)`
    select events::text as text
    from events
  `);
  return rows.map(({ text }) => text.replace(/(?<!r-)\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, ""));
}
