import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/domain/secret.ts";
import type { User } from "../../src/domain/user/user.ts";
import { aCall } from "../support/calls.ts";
import { changeOf } from "../support/clocked-services.ts";
import { otherPassword, servicesOn } from "../support/services.ts";
import type { OpenedRepository } from "./relational-repository-contract.ts";
import { aSession, sessionActions } from "./session-actions.ts";

const count = 100_000;

type Services = ReturnType<typeof servicesOn>;

/** What ends all sessions of a user, at a number of sessions that only a caller that means harm begins. */
const ends: readonly { name: string; end(services: Services, user: User): Promise<unknown> }[] = [
  {
    name: "a suspension",
    end: ({ users }, user) =>
      users.suspend(aCall(), { ...changeOf(user), reason: "fraud", untilTime: undefined }),
  },
  { name: "a deletion", end: ({ users }, user) => users.delete(aCall(), changeOf(user)) },
  {
    name: "a new password",
    end: ({ authentication }, { id: userId }) =>
      authentication.setPassword(aCall(), {
        userId,
        password: new Secret(otherPassword),
        requestId: undefined,
      }),
  },
  { name: "a revocation", end: ({ sessions }, { id }) => sessions.revokeAll(aCall(), id, undefined) },
];

/** That nothing about a user takes longer than a call may, however many sessions the user has. */
export function manySessionsContract(open: () => Promise<OpenedRepository>): void {
  // One for each test: in memory each transaction copies all that there is, and other tests would wait for that.
  let opened: OpenedRepository;
  const repository = () => opened.repository;
  const { begin, begun, find, list, statuses, refresh, insertUser, settle, transaction } =
    sessionActions(repository);
  const exceedsCount = (userId: string, limit: number) =>
    repository().read(aCall()).sessions.exceedsCount(userId, limit);

  describe(`a user with ${count} sessions`, { timeout: 180_000 }, () => {
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened?.close());

    test.each(ends)("$name ends them all", async ({ end }) => {
      const user = await insertUser();
      const kept = await begun(user.id);
      await opened.seedSessions(kept, count - 1);
      const [some] = await list({ userId: user.id, liveOnly: true, limit: 1_000 });
      await end(servicesOn(repository()), user);
      expect(await list({ userId: user.id, liveOnly: true, limit: 1_000 })).toEqual([]);
      const ids = [kept.id, some!.id];
      for (const status of await statuses(ids)) expect(status.live).toBe(false);
      for (const id of ids) {
        expect(await refresh(id, 1)).toBeUndefined();
        expect((await find(id))?.state).toBe("revoked");
      }
    });

    test("all but one end, which goes on; what was ended is written into each in small steps", async () => {
      const user = await insertUser();
      const kept = await begun(user.id);
      await opened.seedSessions(kept, count - 1);
      const { sessions } = servicesOn(repository());
      await sessions.revokeAll(aCall(), user.id, kept.id);
      expect(await list({ userId: user.id, liveOnly: true })).toEqual([kept]);
      const before = await list({ userId: user.id, limit: 50 });
      expect(await transaction((repositories) => repositories.sessions.settle(500))).toBe(true);
      await settle(2_000);
      expect(await list({ userId: user.id, limit: 50 })).toEqual(before);
      expect(new Set(before.map(({ endReason }) => endReason))).toContain("revoked");
      expect((await refresh(kept.id, 1))?.session.state).toBe("live");
    });

    test("one more begins, and some of them are evicted", async () => {
      const user = await insertUser();
      const first = await begun(user.id);
      await opened.seedSessions(first, count - 1);
      expect((await begin(aSession(user.id)))?.session.state).toBe("live");
      expect(await exceedsCount(user.id, 100)).toBe(true);
      const evicted = await transaction(({ sessions }) => sessions.evict(user.id, 100, 10));
      expect(evicted).toHaveLength(10);
      expect(await exceedsCount(randomUUID(), 100)).toBe(false);
    });
  });
}
