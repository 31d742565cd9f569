import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Session } from "../../src/domain/session/session.ts";
import type { User, UserDraft, UserProfile } from "../../src/domain/user/user.ts";
import { now } from "../../src/domain/user/user.ts";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";
import type { UserQuery } from "../../src/interfaces/relationaldb/user-repository.ts";
import { aCall, aCancellableCall } from "../support/calls.ts";
import { attemptContract } from "./attempt-contract.ts";
import { deviceContract } from "./device-contract.ts";
import { eventContract } from "./event-contract.ts";
import { importContract } from "./import-contract.ts";
import { manySessionsContract } from "./many-sessions-contract.ts";
import { serviceAccountContract } from "./service-account-contract.ts";
import { sessionContract } from "./session-contract.ts";
import { sessionEndContract } from "./session-end-contract.ts";
import { sessionEventContract } from "./session-event-contract.ts";
import { sessionReadContract } from "./session-read-contract.ts";
import { sessionRefreshContract } from "./session-refresh-contract.ts";
import { signingKeyContract } from "./signing-key-contract.ts";
import { aProfile, draftOf, profileOf } from "./user-profiles.ts";

export interface OpenedRepository {
  readonly repository: RelationalRepository;
  /** Adds so many sessions that are like one there is, but for their ids, past the port: it begins one at a time. */
  seedSessions(like: Session, count: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * What every adapter of the RelationalRepository must do, sentence by sentence of the port. An adapter's test is to open
 * itself empty and run this.
 */
export function relationalRepositoryContract(name: string, open: () => Promise<OpenedRepository>): void {
  describe(`the RelationalRepository contract: ${name}`, () => {
    let opened: OpenedRepository;
    let repository: RelationalRepository;

    beforeAll(async () => {
      opened = await open();
      repository = opened.repository;
    });
    afterAll(() => opened?.close());

    const insert = (profile: UserProfile = aProfile(), id = randomUUID()): Promise<User> =>
      repository.transaction(aCall(), ({ users }) => users.insert(id, profile));
    const update = (user: User, changes: Partial<UserDraft>): Promise<User> =>
      repository.transaction(aCall(), ({ users }) => users.update(user, { ...draftOf(user), ...changes }));
    const find = (id: string) => repository.read(aCall()).users.find({ kind: "id", id });

    describe("users", () => {
      test("an inserted user is found by id and by each key, as it was answered", async () => {
        const profile = aProfile({ displayName: "Ada", attributes: { team: "engines", constructor: "x" } });
        const user = await insert(profile);
        const { users } = repository.read(aCall());
        expect(user.state).toBe("active");
        expect(user.version).toBe(1);
        expect(profileOf(user)).toEqual(profile);
        expect(user.updateTime).toEqual(user.createTime);
        expect(await users.find({ kind: "id", id: user.id })).toEqual(user);
        expect(await users.find({ kind: "email", key: profile.email?.key ?? "" })).toEqual(user);
        expect(await users.find({ kind: "username", key: profile.username?.key ?? "" })).toEqual(user);
      });

      test("what is not there is undefined", async () => {
        const { users } = repository.read(aCall());
        expect(await users.find({ kind: "id", id: randomUUID() })).toBeUndefined();
        expect(await users.find({ kind: "email", key: "nobody@example.com" })).toBeUndefined();
        expect(await users.find({ kind: "username", key: "" })).toBeUndefined();
      });

      test("a user may have an email or a username alone", async () => {
        const byEmail = await insert(aProfile({ username: undefined }));
        const byUsername = await insert(aProfile({ email: undefined }));
        expect((await find(byEmail.id))?.username).toBeUndefined();
        expect((await find(byUsername.id))?.email).toBeUndefined();
      });

      test("a key belongs to one user, and nothing of a refused one stays", async () => {
        const { email, username } = aProfile();
        await insert(aProfile({ email, username }));
        const id = randomUUID();
        await expect(insert(aProfile({ email }), id)).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });
        await expect(insert(aProfile({ username }), id)).rejects.toMatchObject({ reason: "USERNAME_TAKEN" });
        expect(await find(id)).toBeUndefined();
      });

      test("a deleted user keeps its keys and is found", async () => {
        const profile = aProfile();
        const deleted = await update(await insert(profile), { deleteTime: now });
        expect(deleted.state).toBe("deleted");
        expect(await find(deleted.id)).toEqual(deleted);
        await expect(insert(aProfile({ email: profile.email }))).rejects.toMatchObject({
          reason: "EMAIL_TAKEN",
        });
      });

      test("an update makes a user what the draft says and counts its version", async () => {
        const user = await insert();
        const profile = aProfile({ displayName: "Countess", attributes: { a: "1" } });
        const updated = await update(user, profile);
        expect(profileOf(updated)).toEqual(profile);
        expect(updated.version).toBe(user.version + 1);
        expect(updated.createTime).toEqual(user.createTime);
        expect(updated.updateTime.getTime()).toBeGreaterThanOrEqual(user.updateTime.getTime());
        expect(await find(user.id)).toEqual(updated);
      });

      test("an update can clear what may be absent", async () => {
        const user = await insert(aProfile({ attributes: { a: "1" } }));
        const updated = await update(user, { email: undefined, attributes: {}, displayName: "" });
        expect(profileOf(updated)).toEqual({
          email: undefined,
          username: user.username,
          displayName: "",
          attributes: {},
        });
      });

      test("an update of another version than the present one changes nothing", async () => {
        const user = await insert();
        const updated = await update(user, { displayName: "first" });
        await expect(update(user, { displayName: "second" })).rejects.toMatchObject({ reason: "CONTENTION" });
        expect(await find(user.id)).toEqual(updated);
      });

      test("an update to another user's key changes nothing", async () => {
        const other = await insert();
        const user = await insert();
        await expect(update(user, { email: other.email })).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });
        await expect(update(user, { username: other.username })).rejects.toMatchObject({
          reason: "USERNAME_TAKEN",
        });
        expect(await find(user.id)).toEqual(user);
      });

      test("times that are to be now are the database's, and times that were are kept", async () => {
        const user = await insert();
        const suspended = await update(user, {
          suspension: { reason: "fraud", startTime: now, untilTime: undefined },
        });
        expect(suspended.suspension?.startTime).toEqual(suspended.updateTime);
        const prolonged = await update(suspended, {
          suspension: {
            reason: "fraud!",
            startTime: suspended.suspension?.startTime ?? now,
            untilTime: new Date("2999-01-01T00:00:00.123Z"),
          },
        });
        expect(prolonged.suspension).toEqual({
          reason: "fraud!",
          startTime: suspended.suspension?.startTime,
          untilTime: new Date("2999-01-01T00:00:00.123Z"),
        });
        const deleted = await update(prolonged, { deleteTime: now });
        expect(deleted.deleteTime).toEqual(deleted.updateTime);
      });

      test("a suspension holds until it ends", async () => {
        const user = await insert();
        const hour = 3_600_000;
        const during = await update(user, {
          suspension: { reason: "r", startTime: now, untilTime: new Date(Date.now() + hour) },
        });
        expect(during.state).toBe("suspended");
        const after = await update(during, {
          suspension: {
            reason: "r",
            startTime: new Date(Date.now() - 2 * hour),
            untilTime: new Date(Date.now() - hour),
          },
        });
        expect(after.state).toBe("active");
        expect((await update(after, { suspension: undefined })).suspension).toBeUndefined();
      });
    });

    describe("many users at once", () => {
      test("each user that any key names, once, and no others", async () => {
        const [a, b, c] = [await insert(), await insert(), await insert()];
        await insert();
        const found = await repository.read(aCall()).users.findMany([
          { kind: "id", id: a.id },
          { kind: "email", key: a.email?.key ?? "" },
          { kind: "username", key: b.username?.key ?? "" },
          { kind: "email", key: c.email?.key ?? "" },
          { kind: "id", id: randomUUID() },
          { kind: "email", key: "nobody@example.com" },
        ]);
        expect(sortedIds(found)).toEqual(sortedIds([a, b, c]));
        expect(found.find(({ id }) => id === b.id)).toEqual(b);
      });

      test("1,000 keys, and none", async () => {
        const user = await insert();
        const keys = Array.from({ length: 999 }, () => ({ kind: "id" as const, id: randomUUID() }));
        const { users } = repository.read(aCall());
        expect(await users.findMany([...keys, { kind: "id", id: user.id }])).toEqual([user]);
        expect(await users.findMany([])).toEqual([]);
      });
    });

    describe("lists", () => {
      const mark = randomUUID().slice(0, 8);
      const everyone: User[] = [];

      beforeAll(async () => {
        for (let i = 0; i < 25; i++) {
          const email = `list-${mark}-${i % 2 ? "odd" : "even"}-${i}@example.com`;
          const user = await insert(aProfile({ email: { value: email, key: email } }));
          if (i % 5 === 4) everyone.push(await update(user, { deleteTime: now }));
          else if (i % 5 === 3) everyone.push(await update(user, { suspension: aSuspension }));
          else everyone.push(user);
        }
      });

      const mine = { ...anyUser, emailPrefix: `list-${mark}-`, showDeleted: true };
      const list = (query: Partial<UserQuery>) => repository.read(aCall()).users.list({ ...mine, ...query });
      const orders = [
        { orderBy: "createTime", descending: false },
        { orderBy: "createTime", descending: true },
        { orderBy: "id", descending: false },
        { orderBy: "id", descending: true },
      ] as const;

      test.each(orders)("in order: $orderBy, descending $descending", async (order) => {
        const listed = await list(order);
        expect(listed.map(({ id }) => id)).toEqual(inOrder(everyone, order).map(({ id }) => id));
        expect(listed[0]).toEqual(everyone.find(({ id }) => id === listed[0]?.id));
      });

      test.each(orders)("page by page each user once: $orderBy, descending $descending", async (order) => {
        const pages: string[] = [];
        let after: User | undefined;
        do {
          const page: User[] = await list({ ...order, after, limit: 4 });
          pages.push(...page.map(({ id }) => id));
          after = page.at(-1);
        } while (after !== undefined);
        expect(pages).toEqual(inOrder(everyone, order).map(({ id }) => id));
      });

      test("by state, and without deleted users unless asked for", async () => {
        const of = (state: string) => everyone.filter((user) => user.state === state);
        expect(sortedIds(await list({ showDeleted: false }))).toEqual(
          sortedIds([...of("active"), ...of("suspended")]),
        );
        expect(sortedIds(await list({ state: "active" }))).toEqual(sortedIds(of("active")));
        expect(sortedIds(await list({ state: "suspended" }))).toEqual(sortedIds(of("suspended")));
        expect(sortedIds(await list({ state: "deleted" }))).toEqual(sortedIds(of("deleted")));
        expect(await list({ state: "deleted", showDeleted: false })).toEqual([]);
      });

      test("a suspension that has ended is none", async () => {
        const email = `ended-${mark}@example.com`;
        const user = await insert(aProfile({ email: { value: email, key: email } }));
        const past = new Date(Date.now() - 60_000);
        await update(user, { suspension: { reason: "r", startTime: past, untilTime: past } });
        const prefixed = { emailPrefix: `ended-${mark}` };
        expect(await list({ ...prefixed, state: "suspended" })).toEqual([]);
        expect(await list({ ...prefixed, state: "active" })).toHaveLength(1);
      });

      test("by time: from, inclusive, and to, exclusive", async () => {
        const ordered = inOrder(everyone, { orderBy: "createTime", descending: false });
        const createdAfter = ordered[5]?.createTime;
        const createdBefore = ordered[15]?.createTime;
        const expected = everyone.filter(
          ({ createTime }) => createTime >= (createdAfter ?? 0) && createTime < (createdBefore ?? 0),
        );
        expect(sortedIds(await list({ createdAfter, createdBefore }))).toEqual(sortedIds(expected));
      });

      test("by the beginning of the email key, to the letter", async () => {
        expect(await list({ emailPrefix: `list-${mark}-odd` })).toHaveLength(12);
        expect(await list({ emailPrefix: `list_${mark}` })).toEqual([]);
        expect(await list({ emailPrefix: `list%${mark}` })).toEqual([]);
        expect(await list({ emailPrefix: `list\\-${mark}` })).toEqual([]);
        expect(await list({ emailPrefix: `LIST-${mark}` })).toEqual([]);
      });
    });

    describe("credentials", () => {
      const put = (id: string, hash: string) =>
        repository.transaction(aCall(), ({ credentials }) => credentials.put(id, hash));
      const replace = (id: string, current: string, hash: string) =>
        repository.transaction(aCall(), ({ credentials }) => credentials.replace(id, current, hash));
      const findCredential = (id: string) => repository.read(aCall()).credentials.find({ kind: "id", id });

      test("a user without a password, one with, and nobody", async () => {
        const user = await insert();
        expect(await findCredential(user.id)).toEqual({ user, passwordHash: undefined });
        await put(user.id, "hash");
        for (const key of [
          { kind: "id", id: user.id } as const,
          { kind: "email", key: user.email?.key ?? "" } as const,
          { kind: "username", key: user.username?.key ?? "" } as const,
        ]) {
          expect(await repository.read(aCall()).credentials.find(key)).toEqual({
            user,
            passwordHash: "hash",
          });
        }
        expect(await findCredential(randomUUID())).toBeUndefined();
      });

      test("put sets a new hash in place of the old one", async () => {
        const user = await insert();
        await put(user.id, "first");
        await put(user.id, "second");
        expect((await findCredential(user.id))?.passwordHash).toBe("second");
      });

      test("replace sets a hash only in place of the one it names", async () => {
        const user = await insert();
        expect(await replace(user.id, "first", "second")).toBe(false);
        await put(user.id, "first");
        expect(await replace(user.id, "other", "second")).toBe(false);
        expect(await replace(user.id, "first", "second")).toBe(true);
        expect((await findCredential(user.id))?.passwordHash).toBe("second");
      });
    });

    describe("requests", () => {
      const aRequest = () => ({ id: randomUUID(), fingerprint: "content", secretHash: undefined });

      test("an id is claimed once; who comes later gets what it was used for", async () => {
        const request = { ...aRequest(), secretHash: "phc" };
        const user = await repository.transaction(aCall(), async ({ users, requests }) => {
          expect(await requests.claim(request)).toBeUndefined();
          const inserted = await users.insert(randomUUID(), aProfile({ attributes: { a: "1" } }));
          await requests.conclude(request.id, inserted);
          return inserted;
        });
        const later = await repository.transaction(aCall(), ({ requests }) =>
          requests.claim({ ...request, fingerprint: "other" }),
        );
        expect(later).toEqual({ ...request, result: user });
        expect(await repository.read(aCall()).requests.find(request.id)).toEqual({
          ...request,
          result: user,
        });
      });

      test("what it answered is remembered as it was, not as it has become", async () => {
        const request = aRequest();
        const user = await repository.transaction(aCall(), async ({ users, requests }) => {
          await requests.claim(request);
          const inserted = await users.insert(randomUUID(), aProfile());
          const suspended = await users.update(inserted, { ...draftOf(inserted), suspension: aSuspension });
          await requests.conclude(request.id, suspended);
          return suspended;
        });
        await update(user, { deleteTime: now });
        expect((await repository.read(aCall()).requests.find(request.id))?.result).toEqual(user);
      });

      test("an empty answer is remembered too, and an unknown id is undefined", async () => {
        const request = aRequest();
        await repository.transaction(aCall(), async ({ requests }) => {
          await requests.claim(request);
          await requests.conclude(request.id, undefined);
        });
        const found = await repository.read(aCall()).requests.find(request.id);
        expect(found).toEqual({ ...request, result: undefined });
        expect(await repository.read(aCall()).requests.find(randomUUID())).toBeUndefined();
      });

      test("an id may be a UUID of any version and variant, as callers make them", async () => {
        const request = { ...aRequest(), id: `${randomUUID().slice(0, 14)}f896-3b9c-c325fd0c583a` };
        const claim = () => repository.transaction(aCall(), ({ requests }) => requests.claim(request));
        expect(await claim()).toBeUndefined();
        expect(await claim()).toEqual({ ...request, result: undefined });
      });

      test("a claim ends with the transaction that made it", async () => {
        const request = aRequest();
        await expect(
          repository.transaction(aCall(), async ({ requests }) => {
            await requests.claim(request);
            throw new Error("no");
          }),
        ).rejects.toThrow("no");
        expect(await repository.read(aCall()).requests.find(request.id)).toBeUndefined();
      });

      test("of many that claim one id at once, exactly one acts and all get its answer", async () => {
        const request = aRequest();
        let acted = 0;
        const answers = await Promise.all(
          Array.from({ length: 16 }, () =>
            repository.transaction(aCall(), async ({ users, requests }) => {
              const earlier = await requests.claim(request);
              if (earlier) return { acted: false, id: earlier.result?.id };
              const user = await users.insert(randomUUID(), aProfile());
              await requests.conclude(request.id, user);
              return { acted: true, id: user.id };
            }),
          ),
        );
        acted = answers.filter((answer) => answer.acted).length;
        expect(acted).toBe(1);
        expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
      });

      test("a sweep forgets old requests, so many at a time, and keeps young ones", async () => {
        const requests = [aRequest(), aRequest(), aRequest()];
        for (const request of requests) {
          await repository.transaction(aCall(), (repositories) => repositories.requests.claim(request));
        }
        const sweep = (age: number, limit: number) =>
          repository.transaction(aCall(), (repositories) => repositories.requests.sweep(age, limit));
        expect(await sweep(3_600_000, 1_000)).toBe(0);
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(await sweep(10, 2)).toBe(2);
        while ((await sweep(10, 1_000)) > 0);
        for (const { id } of requests) {
          expect(await repository.read(aCall()).requests.find(id)).toBeUndefined();
        }
      });
    });

    importContract(() => repository);
    eventContract(() => repository);
    sessionContract(() => repository);
    sessionReadContract(() => repository);
    sessionRefreshContract(() => repository);
    sessionEndContract(() => repository);
    sessionEventContract(() => repository);
    manySessionsContract(open);
    serviceAccountContract(() => repository);
    signingKeyContract(() => repository);
    attemptContract(() => repository);
    deviceContract(() => repository);

    describe("transactions", () => {
      test("answers what the work answers, and its effects are there", async () => {
        const id = randomUUID();
        const answer = await repository.transaction(aCall(), async ({ users, credentials }) => {
          await users.insert(id, aProfile());
          await credentials.put(id, "hash");
          return "done";
        });
        expect(answer).toBe("done");
        const found = await repository.read(aCall()).credentials.find({ kind: "id", id });
        expect(found?.passwordHash).toBe("hash");
      });

      test("sees its own effects, and nobody else does before it ends", async () => {
        const id = randomUUID();
        const inserted = Promise.withResolvers<void>();
        const mayEnd = Promise.withResolvers<void>();
        const transaction = repository.transaction(aCall(), async ({ users }) => {
          await users.insert(id, aProfile());
          const own = await users.find({ kind: "id", id });
          inserted.resolve();
          await mayEnd.promise;
          return own;
        });
        await inserted.promise;
        expect(await find(id)).toBeUndefined();
        mayEnd.resolve();
        expect(await transaction).toEqual(await find(id));
      });

      test("throws what the work throws, and none of its effects stays", async () => {
        const user = await insert();
        const error = new Error("no");
        const work = repository.transaction(aCall(), async ({ users, credentials }) => {
          await users.update(user, { ...draftOf(user), displayName: "changed" });
          await credentials.put(user.id, "hash");
          throw error;
        });
        await expect(work).rejects.toBe(error);
        expect(await repository.read(aCall()).credentials.find({ kind: "id", id: user.id })).toEqual({
          user,
          passwordHash: undefined,
        });
      });

      test("a failed statement fails the transaction, and the next one is fine", async () => {
        const user = await insert();
        const id = randomUUID();
        await expect(
          repository.transaction(aCall(), async ({ users }) => {
            await users.insert(id, aProfile());
            await users.insert(randomUUID(), aProfile({ email: user.email }));
          }),
        ).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });
        expect(await find(id)).toBeUndefined();
        expect(await find(user.id)).toEqual(user);
      });

      test("no update is lost: each of many concurrent read-modify-writes takes place once", async () => {
        const user = await insert(aProfile({ displayName: "0" }));
        await Promise.all(
          Array.from({ length: 24 }, () =>
            repository.transaction(aCall(), async ({ users }) => {
              const current = await users.find({ kind: "id", id: user.id });
              if (current === undefined) throw new Error("the user has gone");
              const displayName = String(Number(current.displayName) + 1);
              await users.update(current, { ...draftOf(current), displayName });
            }),
          ),
        );
        expect((await find(user.id))?.displayName).toBe("24");
      });

      test("no write skew: of two that each look for the other's write, one sees it", async () => {
        const emails = [aProfile().email, aProfile().email];
        const insertUnless = (mine: number, other: number) =>
          repository.transaction(aCall(), async ({ users }) => {
            const rival = await users.find({ kind: "email", key: emails[other]?.key ?? "" });
            if (rival === undefined) await users.insert(randomUUID(), aProfile({ email: emails[mine] }));
            return rival === undefined;
          });
        const written = await Promise.all([insertUnless(0, 1), insertUnless(1, 0)]);
        expect(written.filter(Boolean)).toHaveLength(1);
      });
    });

    describe("calls that end", () => {
      test("nothing is begun for a call that is aborted, and its reason is thrown", async () => {
        const { call, cancel } = aCancellableCall();
        const gone = new Error("gone");
        cancel(gone);
        const id = randomUUID();
        await expect(repository.transaction(call, ({ users }) => users.insert(id, aProfile()))).rejects.toBe(
          gone,
        );
        await expect(repository.read(call).users.find({ kind: "id", id })).rejects.toBe(gone);
        await expect(repository.assertWritable(call)).rejects.toBe(gone);
        expect(await find(id)).toBeUndefined();
      });

      test("an abort in the middle leaves no effect", async () => {
        const { call, cancel } = aCancellableCall();
        const gone = new Error("gone");
        const id = randomUUID();
        const work = repository.transaction(call, async ({ users }) => {
          await users.insert(id, aProfile());
          cancel(gone);
        });
        await expect(work).rejects.toBe(gone);
        expect(await find(id)).toBeUndefined();
      });

      test("a database that can be written to is found so, however often and by however many it is asked", async () => {
        const checks = Array.from({ length: 20 }, () => repository.assertWritable(aCall()));
        await expect(Promise.all(checks)).resolves.toBeDefined();
        await expect(repository.assertWritable(aCall())).resolves.toBeUndefined();
      });
    });
  });
}

const anyUser: UserQuery = {
  state: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
  emailPrefix: undefined,
  showDeleted: false,
  orderBy: "createTime",
  descending: false,
  after: undefined,
  limit: 1_000,
};

const aSuspension = { reason: "fraud", startTime: now, untilTime: undefined } as const;

function sortedIds(users: readonly User[]): string[] {
  return users.map(({ id }) => id).sort();
}

function inOrder(
  users: readonly User[],
  { orderBy, descending }: Pick<UserQuery, "orderBy" | "descending">,
): User[] {
  const key = (user: User) => (orderBy === "id" ? user.id : `${user.createTime.toISOString()} ${user.id}`);
  const ordered = [...users].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return descending ? ordered.reverse() : ordered;
}
