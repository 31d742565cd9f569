import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type AttemptLimits, attemptLimits } from "../../src/domain/throttle/attempt-limits.ts";
import type { Attempt, NewAttempt } from "../../src/interfaces/relationaldb/attempt-repository.ts";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";
import { aCall } from "../support/calls.ts";
import { anEvent } from "../support/events.ts";

const hour = 3_600_000;
const limits: AttemptLimits = {
  free: 3,
  locksMs: [hour, 2 * hour],
  cap: 5,
  knownDeviceCap: 4,
  networkLimit: 4,
  windowMs: hour,
};
/** Locks that are over before the next attempt. */
const brief = { ...limits, locksMs: [0] };

/** Sentence by sentence the attempts of the port. */
export function attemptContract(repositoryOf: () => RelationalRepository): void {
  const statements = () => repositoryOf().statement(aCall()).attempts;
  const begin = (attempt: NewAttempt, of = limits) => statements().begin(attempt, of);
  const conclude = (attempt: Attempt, result: "succeeded" | "failed" | "refused", event = anEvent()) =>
    statements().conclude(attempt, result, { event, locked: anEvent() }, limits);
  const aUser = async (passwordHash?: string) => {
    const name = randomUUID();
    const profile = {
      email: undefined,
      username: { value: name, key: name },
      displayName: "",
      attributes: {},
    };
    return repositoryOf().transaction(aCall(), async ({ users, credentials }) => {
      const user = await users.insert(randomUUID(), profile);
      if (passwordHash !== undefined) await credentials.put(user.id, passwordHash);
      return { user, key: { kind: "username", key: name } as const };
    });
  };
  /** What makes attempts of one name: of a user's, or of nobody's. */
  const someone = {
    user: async () => (await aUser()).key,
    nobody: async () => ({ kind: "username", key: randomUUID() }) as const,
  };
  const attemptOf = (key: NewAttempt["key"], network?: string): NewAttempt => ({
    id: randomUUID(),
    key,
    nameDigest: `digest of ${key.kind === "id" ? key.id : key.key}`,
    network,
  });

  describe("attempts", () => {
    test("find the user and the password hash, by each key", async () => {
      const { user, key } = await aUser("hash");
      for (const each of [key, { kind: "id", id: user.id } as const]) {
        const verdict = await begin(attemptOf(each));
        expect(verdict.found).toEqual({ user, passwordHash: "hash" });
        expect(verdict).toMatchObject({ allowed: true, retryAfterMs: undefined });
        expect(verdict.attempt.account).toBe(`users/${user.id}`);
      }
      const { key: withoutPassword } = await aUser();
      expect((await begin(attemptOf(withoutPassword))).found).toMatchObject({ passwordHash: undefined });
      const unknown = attemptOf(await someone.nobody());
      const verdict = await begin(unknown);
      expect(verdict).toMatchObject({ found: undefined, allowed: true });
      expect(verdict.attempt.account).toBe(`names/${unknown.nameDigest}`);
    });

    describe.each(["user", "nobody"] as const)("of a name that %s has", (who) => {
      test("are allowed until so many are counted, then not, and say for how long", async () => {
        const key = await someone[who]();
        const verdicts = [];
        for (let place = 0; place < 5; place++) verdicts.push(await begin(attemptOf(key)));
        expect(verdicts.map(({ allowed }) => allowed)).toEqual([true, true, true, false, false]);
        for (const { retryAfterMs } of verdicts.slice(3)) {
          expect(retryAfterMs).toBeGreaterThan(hour - 60_000);
          expect(retryAfterMs).toBeLessThanOrEqual(hour);
        }
      });

      test("close for longer each time, up to the longest", async () => {
        const key = await someone[who]();
        const three = { ...limits, cap: 100 };
        for (let place = 0; place < 2; place++) await begin(attemptOf(key), three);
        // A lock that is over when the next attempt comes, and then a real one, for each further failure.
        const locks: (number | undefined)[] = [];
        for (let failures = 3; failures < 6; failures++) {
          const verdict = await begin(attemptOf(key), three);
          expect(verdict.allowed).toBe(true);
          const refused = await begin(attemptOf(key), three);
          locks.push(refused.retryAfterMs);
          await statements().undoCount(verdict.attempt);
          await begin(attemptOf(key), { ...three, locksMs: [0] });
        }
        expect(locks.map((ms) => Math.round((ms ?? 0) / hour))).toEqual([1, 2, 2]);
      });

      test("are no more at once than one after another", async () => {
        const key = await someone[who]();
        const verdicts = await Promise.all(Array.from({ length: 30 }, () => begin(attemptOf(key))));
        expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(limits.free);
      });

      test("are counted again from the start after a success", async () => {
        const key = await someone[who]();
        await begin(attemptOf(key));
        await begin(attemptOf(key));
        const { attempt } = await begin(attemptOf(key));
        await conclude(attempt, "succeeded");
        const verdicts = [];
        for (let place = 0; place < 4; place++) verdicts.push((await begin(attemptOf(key))).allowed);
        expect(verdicts).toEqual([true, true, true, false]);
      });

      test("are refused at the cap, and no time is named", async () => {
        const key = await someone[who]();
        for (let place = 0; place < brief.cap; place++) {
          expect((await begin(attemptOf(key), brief)).allowed).toBe(true);
        }
        expect(await begin(attemptOf(key), brief)).toMatchObject({ allowed: false, retryAfterMs: undefined });
      });

      test("are refused at the cap without a time, though the last lock goes on", async () => {
        const key = await someone[who]();
        const locking = { ...brief, locksMs: [0, 0, hour] };
        for (let place = 0; place < brief.cap; place++) await begin(attemptOf(key), locking);
        expect(await begin(attemptOf(key), locking)).toMatchObject({
          allowed: false,
          retryAfterMs: undefined,
        });
      });

      test("are counted once for one id, and answered the same", async () => {
        const attempt = attemptOf(await someone[who]());
        const first = await begin(attempt);
        for (let place = 0; place < 5; place++) expect(await begin(attempt)).toEqual(first);
        expect((await begin(attemptOf(attempt.key))).allowed).toBe(true);
        expect((await begin(attemptOf(attempt.key))).allowed).toBe(true);
        expect((await begin(attemptOf(attempt.key))).allowed).toBe(false);
      });

      test("that were not made are given back, once", async () => {
        const key = await someone[who]();
        await begin(attemptOf(key));
        await begin(attemptOf(key));
        const { attempt } = await begin(attemptOf(key));
        await statements().undoCount(attempt);
        await statements().undoCount(attempt);
        expect((await begin(attemptOf(key))).allowed).toBe(true);
        expect((await begin(attemptOf(key))).allowed).toBe(false);
        // Not the last one any more: it stays counted.
        await statements().undoCount(attempt);
        expect((await begin(attemptOf(key))).allowed).toBe(false);
      });

      test("that are given back after a success make up for none that come", async () => {
        const key = await someone[who]();
        const { attempt: right } = await begin(attemptOf(key));
        const { attempt: gone } = await begin(attemptOf(key));
        await conclude(right, "succeeded");
        await statements().undoCount(gone);
        const verdicts = [];
        for (let place = 0; place < 4; place++) verdicts.push((await begin(attemptOf(key))).allowed);
        expect(verdicts).toEqual([true, true, true, false]);
      });
    });

    test("of a user that is forgiven are counted from the start", async () => {
      const { user, key } = await aUser();
      for (let place = 0; place < brief.cap; place++) await begin(attemptOf(key), brief);
      await repositoryOf().transaction(aCall(), ({ attempts }) => attempts.forgive(user.id));
      expect((await begin(attemptOf(key))).allowed).toBe(true);
    });

    test("of one user are counted together, by whatever key, and apart from others'", async () => {
      const { user, key } = await aUser();
      const id = { kind: "id", id: user.id } as const;
      await begin(attemptOf(key));
      await begin(attemptOf(id));
      await begin(attemptOf(key));
      expect((await begin(attemptOf(id))).allowed).toBe(false);
      expect((await begin(attemptOf((await aUser()).key))).allowed).toBe(true);
    });

    test("of a network are counted where they fail, whosever they are", async () => {
      const network = randomUUID();
      const attempt = async () => begin(attemptOf(await someone.nobody(), network));
      for (let place = 0; place < limits.networkLimit; place++)
        await conclude((await attempt()).attempt, "failed");
      const refused = await attempt();
      expect(refused.allowed).toBe(false);
      expect(refused.retryAfterMs).toBeGreaterThan(hour - 60_000);
      expect((await begin(attemptOf(await someone.nobody(), randomUUID()))).allowed).toBe(true);
      expect((await begin(attemptOf(await someone.nobody()))).allowed).toBe(true);
    });

    test("of a network that succeed or are refused are not counted for it, and none is counted twice", async () => {
      const network = randomUUID();
      const { attempt } = await begin(attemptOf(await someone.nobody(), network));
      for (let place = 0; place < 6; place++) {
        await conclude(attempt, "succeeded");
        await conclude(attempt, "refused");
        await conclude(attempt, "failed");
      }
      expect((await begin(attemptOf(await someone.nobody(), network))).allowed).toBe(true);
    });

    test("refused by the network cost the account nothing", async () => {
      const network = randomUUID();
      for (let place = 0; place < limits.networkLimit; place++) {
        await conclude((await begin(attemptOf(await someone.nobody(), network))).attempt, "failed");
      }
      const { key } = await aUser();
      for (let place = 0; place < 5; place++)
        expect((await begin(attemptOf(key, network))).allowed).toBe(false);
      for (let place = 0; place < 3; place++) expect((await begin(attemptOf(key))).allowed).toBe(true);
    });

    test("are concluded by one event each, however often that is said", async () => {
      const { user, key } = await aUser();
      const { attempt } = await begin(attemptOf(key));
      const event = anEvent({ userId: user.id, type: "password.verified", outcome: "failure" });
      for (const result of ["failed", "failed", "succeeded", "refused"] as const)
        await conclude(attempt, result, event);
      const everything = {
        types: [],
        outcome: undefined,
        caller: undefined,
        createdAfter: undefined,
        createdBefore: undefined,
      };
      const query = { ...everything, userId: user.id, after: undefined, limit: 10 };
      const events = await repositoryOf().read(aCall()).events.list(query);
      expect(events.map(({ id, type, outcome }) => [id, type, outcome])).toEqual([
        [event.id, "password.verified", "failure"],
      ]);
    });

    test("that are new are not swept", async () => {
      const network = randomUUID();
      const unknown = await someone.nobody();
      for (let place = 0; place < 3; place++)
        await conclude((await begin(attemptOf(unknown, network))).attempt, "failed");
      expect(await repositoryOf().transaction(aCall(), ({ attempts }) => attempts.sweep(100))).toBe(0);
      expect((await begin(attemptOf(unknown))).allowed).toBe(false);
    });
  });

  test("the limits are what is documented: 30 seconds, doubling, up to 15 minutes", () => {
    expect(attemptLimits(10, 300).locksMs).toEqual(
      [30, 60, 120, 240, 480, 900].map((seconds) => seconds * 1_000),
    );
  });
}
