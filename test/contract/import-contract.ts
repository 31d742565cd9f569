import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { earliestMs, latestMs } from "../../src/domain/time-range.ts";
import type { NewUser } from "../../src/domain/user/user.ts";
import type {
  RelationalRepository,
  Repositories,
} from "../../src/interfaces/relationaldb/relational-repository.ts";
import { aCall } from "../support/calls.ts";
import { aProfile, profileOf } from "./user-profiles.ts";

function aNewUser(changes: Partial<NewUser> = {}): NewUser {
  const nothing = { createTime: undefined, suspension: undefined, deleteTime: undefined };
  return { id: randomUUID(), importDigest: randomUUID(), ...aProfile(), ...nothing, ...changes };
}

const [past, later, future] = [
  "2015-01-02T03:04:05.678Z",
  "2016-01-01T00:00:00Z",
  "2999-01-01T00:00:00Z",
].map((time) => new Date(time)) as [Date, Date, Date];

/** Sentence by sentence what imports and exports need of the port. */
export function importContract(repositoryOf: () => RelationalRepository): void {
  const transaction = <T>(work: (repositories: Repositories) => Promise<T>) =>
    repositoryOf().transaction(aCall(), work);
  const insertMany = (...given: NewUser[]) => transaction(({ users }) => users.insertMany(given));
  const find = (id: string) => repositoryOf().read(aCall()).users.find({ kind: "id", id });

  describe("many users at once", () => {
    test("are added with what they bring along, and found", async () => {
      const suspension = { reason: "fraud", startTime: later, untilTime: future };
      const [plain, known, deleted] = [
        aNewUser({ email: undefined, attributes: { team: "engines" }, displayName: "Ada" }),
        aNewUser({ createTime: past, suspension, username: undefined }),
        aNewUser({ createTime: past, deleteTime: later }),
      ];
      expect((await insertMany(plain, known, deleted)).sort()).toEqual(
        [plain, known, deleted].map(({ id }) => id).sort(),
      );
      const found = await find(plain.id);
      expect(found && profileOf(found)).toEqual({
        email: undefined,
        username: plain.username,
        displayName: "Ada",
        attributes: { team: "engines" },
      });
      expect(found).toMatchObject({
        state: "active",
        version: 1,
        suspension: undefined,
        deleteTime: undefined,
      });
      expect(found?.createTime).toEqual(found?.updateTime);
      expect(await find(known.id)).toMatchObject({ state: "suspended", suspension, createTime: past });
      expect(await find(deleted.id)).toMatchObject({ state: "deleted", deleteTime: later, createTime: past });
    });

    test("keep times of the years 1 and 9999, and are found between them", async () => {
      const [first, last] = [new Date(earliestMs), new Date(latestMs)];
      const suspension = { reason: "fraud", startTime: first, untilTime: last };
      const user = aNewUser({ createTime: first, suspension });
      await insertMany(user);
      expect(await find(user.id)).toMatchObject({ createTime: first, suspension, state: "suspended" });
      const within = async (createdAfter: Date, createdBefore: Date) => {
        const query = {
          state: undefined,
          emailPrefix: undefined,
          showDeleted: false,
          orderBy: "createTime" as const,
        };
        const page = {
          ...query,
          createdAfter,
          createdBefore,
          descending: false,
          after: undefined,
          limit: 10,
        };
        return (await repositoryOf().read(aCall()).users.list(page)).map(({ id }) => id);
      };
      expect(await within(first, last)).toContain(user.id);
      expect(await within(new Date(earliestMs + 1), last)).not.toContain(user.id);
      expect(await within(first, first)).toEqual([]);
      const events = {
        userId: undefined,
        types: [],
        outcome: undefined,
        caller: undefined,
        after: undefined,
        limit: 10,
      };
      const list = repositoryOf()
        .read(aCall())
        .events.list({ ...events, createdAfter: first, createdBefore: last });
      expect(await list).toEqual(expect.any(Array));
    });

    test("have no time that is still to come, but the end of a suspension", async () => {
      const suspension = { reason: "fraud", startTime: future, untilTime: undefined };
      const user = aNewUser({ createTime: future, deleteTime: future, suspension });
      const open = aNewUser({ suspension: { ...suspension, startTime: undefined } });
      await insertMany(user, open);
      const found = await find(user.id);
      expect(found?.createTime).toEqual(found?.updateTime);
      expect(found?.deleteTime).toEqual(found?.updateTime);
      expect(found?.suspension?.startTime).toEqual(found?.updateTime);
      expect((await find(open.id))?.suspension?.startTime).toEqual((await find(open.id))?.updateTime);
    });

    test("are added but for those whose id or key another has, deleted or not", async () => {
      const [there, gone] = [aNewUser(), aNewUser({ deleteTime: past })];
      await insertMany(there, gone);
      const refused = [
        aNewUser({ id: there.id }),
        aNewUser({ email: there.email }),
        aNewUser({ username: there.username }),
        aNewUser({ email: gone.email }),
      ];
      const free = aNewUser();
      expect(await insertMany(...refused, free)).toEqual([free.id]);
      expect((await find(there.id))?.email).toEqual(there.email);
      for (const { id } of refused.slice(1)) expect(await find(id)).toBeUndefined();
    });

    test("can be none", async () => {
      expect(await insertMany()).toEqual([]);
      await transaction(({ credentials }) => credentials.putMany([]));
      expect(await repositoryOf().read(aCall()).credentials.findHashes([])).toEqual(new Map());
    });

    test("of two transactions that add one key at once, one adds it", async () => {
      const { email } = aNewUser();
      const rivals = Array.from({ length: 4 }, () => aNewUser({ email }));
      const added = await Promise.all(rivals.map((rival) => insertMany(rival)));
      expect(added.flat()).toHaveLength(1);
    });

    test("get their password hashes, which are found together", async () => {
      const [one, other, without] = [aNewUser(), aNewUser(), aNewUser()];
      await transaction(async ({ users, credentials }) => {
        await users.insertMany([one, other, without]);
        await credentials.putMany([
          { userId: one.id, passwordHash: "a" },
          { userId: other.id, passwordHash: "b" },
        ]);
      });
      const { credentials } = repositoryOf().read(aCall());
      const ids = [other.id, without.id, one.id, randomUUID()];
      expect(new Map(await credentials.findHashes(ids))).toEqual(
        new Map([
          [one.id, "a"],
          [other.id, "b"],
        ]),
      );
      expect(await credentials.find({ kind: "id", id: one.id })).toMatchObject({ passwordHash: "a" });
    });

    test("keep their import digests, which are found together, also of deleted users; others have none", async () => {
      const [active, deleted, refused] = [aNewUser(), aNewUser({ deleteTime: past }), aNewUser()];
      const created = await transaction(({ users }) => users.insert(randomUUID(), aProfile()));
      await insertMany(active, deleted);
      await insertMany({ ...refused, email: active.email }, { ...aNewUser(), id: active.id });
      const ids = [deleted.id, created.id, refused.id, active.id, randomUUID()];
      const expected = new Map([active, deleted].map(({ id, importDigest }) => [id, importDigest]));
      const digests = await repositoryOf().read(aCall()).users.findImportDigests(ids);
      expect(new Map(digests)).toEqual(expected);
      const within = await transaction(({ users }) => users.findImportDigests(ids));
      expect(new Map(within)).toEqual(expected);
      expect((await repositoryOf().read(aCall()).users.findImportDigests([])).size).toBe(0);
    });
  });
}
