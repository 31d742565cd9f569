import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { NewEvent } from "../../src/domain/audit/event.ts";
import type { AttemptLimits } from "../../src/domain/throttle/attempt-limits.ts";
import type { Attempt, KnownBy } from "../../src/interfaces/relationaldb/attempt-repository.ts";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";
import { aCall } from "../support/calls.ts";
import { anEvent } from "../support/events.ts";
import { aSession, long, sessionActions } from "./session-actions.ts";

const hour = 3_600_000;
const limits: AttemptLimits = {
  free: 2,
  locksMs: [hour],
  cap: 6,
  knownDeviceCap: 4,
  networkLimit: 3,
  windowMs: hour,
};
/** Locks that are over before the next attempt. */
const brief = { ...limits, locksMs: [0] };

/** Sentence by sentence the devices of the port, and the attempts that are known by a device or a session. */
export function deviceContract(repositoryOf: () => RelationalRepository): void {
  const { anId, begin: beginSession, end, suspend, transaction } = sessionActions(repositoryOf);
  const statements = () => repositoryOf().statement(aCall()).attempts;
  const addDevice = async (userId: string, keptForMs = hour, most = 10) => {
    const device = { id: randomUUID(), userId, digest: randomUUID(), keptForMs };
    await transaction(({ devices }) => devices.add(device, most));
    return device;
  };
  const beginIn = (userId: string, knownBy?: KnownBy, network?: string, of = limits) =>
    statements().begin(
      { id: randomUUID(), key: { kind: "id", id: userId }, nameDigest: userId, network, knownBy },
      of,
    );
  const fail = (attempt: Attempt, locked: NewEvent = anEvent()) =>
    statements().conclude(attempt, "failed", { event: anEvent(), locked }, limits);
  const by = ({ digest }: { readonly digest: string }) => ({ deviceDigest: digest });
  const isKnown = async (userId: string, knownBy: KnownBy) =>
    (await beginIn(userId, knownBy, undefined, brief)).attempt.account !== `users/${userId}`;
  const lockAccount = async (userId: string) => {
    for (let place = 0; place < limits.cap; place++) await beginIn(userId, undefined, undefined, brief);
    expect((await beginIn(userId)).allowed).toBe(false);
  };

  describe("an attempt from a known device", () => {
    test("is allowed although the account is at its cap, and counted for the device", async () => {
      const userId = await anId();
      const device = await addDevice(userId);
      await lockAccount(userId);
      const verdict = await beginIn(userId, by(device), randomUUID());
      expect(verdict).toMatchObject({ allowed: true, found: { user: { id: userId } } });
      expect(verdict.attempt).toMatchObject({
        account: `users/${userId}/devices/${device.id}`,
        network: undefined,
      });
    });

    test("closes the device and not the account, by the same locks and a cap of its own", async () => {
      const userId = await anId();
      const device = await addDevice(userId);
      const other = await addDevice(userId);
      for (let place = 0; place < limits.free; place++)
        expect((await beginIn(userId, by(device))).allowed).toBe(true);
      const refused = await beginIn(userId, by(device));
      expect(refused.allowed).toBe(false);
      expect(refused.retryAfterMs).toBeGreaterThan(hour - 60_000);
      expect((await beginIn(userId, by(other))).allowed).toBe(true);
      const answers = [];
      for (let place = 0; place < 5; place++)
        answers.push(await beginIn(userId, by(other), undefined, brief));
      expect(answers.map(({ allowed }) => allowed)).toEqual([true, true, true, false, false]);
      expect(answers[4]).toMatchObject({ retryAfterMs: undefined });
      expect((await beginIn(userId)).allowed).toBe(true);
    });

    test("is not refused for its network, and its failure is not counted for it", async () => {
      const userId = await anId();
      const device = await addDevice(userId);
      const network = randomUUID();
      const others = await Promise.all(Array.from({ length: limits.networkLimit + 1 }, () => anId()));
      for (const other of others.slice(0, 2)) await fail((await beginIn(other, undefined, network)).attempt);
      for (let place = 0; place < 2; place++)
        await fail((await beginIn(userId, by(device), network, brief)).attempt);
      expect((await beginIn(others[2] ?? "", undefined, network)).allowed).toBe(true);
      await fail((await beginIn(others[3] ?? "", undefined, network)).attempt);
      expect((await beginIn(await anId(), undefined, network)).allowed).toBe(false);
      expect((await beginIn(userId, by(device), network, brief)).allowed).toBe(true);
    });

    test("that succeeds forgets the device's failures and not the account's", async () => {
      const userId = await anId();
      const device = await addDevice(userId);
      await lockAccount(userId);
      await beginIn(userId, by(device));
      const { attempt } = await beginIn(userId, by(device));
      const session = { ...aSession(userId), account: attempt.account };
      expect(await beginSession(session, long)).toBeDefined();
      expect((await beginIn(userId, by(device))).allowed).toBe(true);
      expect((await beginIn(userId)).allowed).toBe(false);
    });

    test("is counted like any other if the device is another user's, has expired or was forgotten", async () => {
      const [userId, otherId] = [await anId(), await anId()];
      expect(await isKnown(userId, by(await addDevice(otherId)))).toBe(false);
      expect(await isKnown(userId, by(await addDevice(userId, 0)))).toBe(false);
      expect(await isKnown(userId, { deviceDigest: "" })).toBe(false);
      const device = await addDevice(userId);
      expect(await isKnown(userId, by(device))).toBe(true);
      await transaction(({ devices }) => devices.forgetAll(userId));
      expect(await isKnown(userId, by(device))).toBe(false);
      const verdict = await statements().begin(
        {
          id: randomUUID(),
          key: { kind: "id", id: randomUUID() },
          nameDigest: "x",
          network: "n",
          knownBy: by(device),
        },
        limits,
      );
      expect(verdict.attempt).toMatchObject({ account: "names/x", network: "n" });
    });
  });

  describe("devices", () => {
    test("of a user are at most so many: the oldest make room, and nobody else's", async () => {
      const [userId, otherId] = [await anId(), await anId()];
      const others = await addDevice(otherId);
      const added = [];
      for (let place = 0; place < 4; place++) added.push(await addDevice(userId, hour, 2));
      const known = [];
      for (const device of added) known.push(await isKnown(userId, by(device)));
      expect(known).toEqual([false, false, true, true]);
      expect(await isKnown(otherId, by(others))).toBe(true);
    });

    test("are there once, however often they are added", async () => {
      const userId = await anId();
      const [first, second] = [await addDevice(userId), await addDevice(userId)];
      for (let place = 0; place < 3; place++)
        await transaction(({ devices }) => devices.add({ ...second, id: randomUUID() }, 2));
      expect(await isKnown(userId, by(first))).toBe(true);
    });

    test("are renewed: the digest is another and the device the same", async () => {
      const userId = await anId();
      const device = await addDevice(userId);
      const next = { ...device, id: randomUUID(), digest: randomUUID() };
      expect(await transaction(({ devices }) => devices.renew(next, device.digest))).toBe(true);
      expect(await isKnown(userId, by(device))).toBe(false);
      const { attempt } = await beginIn(userId, by(next));
      expect(attempt.account).toBe(`users/${userId}/devices/${device.id}`);
      expect(await transaction(({ devices }) => devices.renew(next, device.digest))).toBe(false);
      const expired = await addDevice(userId, 0);
      expect(await transaction(({ devices }) => devices.renew(next, expired.digest))).toBe(false);
      const others = await addDevice(await anId());
      expect(await transaction(({ devices }) => devices.renew(next, others.digest))).toBe(false);
    });

    test("that have expired are swept, and no others", async () => {
      const userId = await anId();
      const device = await addDevice(userId);
      await transaction(({ devices }) => devices.sweep(1_000));
      await addDevice(userId, 0);
      await addDevice(userId, 0);
      await sleep(5);
      expect(await transaction(({ devices }) => devices.sweep(1))).toBe(1);
      expect(await transaction(({ devices }) => devices.sweep(10))).toBe(1);
      expect(await transaction(({ devices }) => devices.sweep(10))).toBe(0);
      expect(await isKnown(userId, by(device))).toBe(true);
    });
  });

  describe("an attempt in a session", () => {
    const inSession = async (userId: string) => {
      const session = aSession(userId);
      await beginSession(session, long);
      return { sessionId: session.id };
    };

    test("has a budget of the user's sessions, apart from the account's", async () => {
      const userId = await anId();
      const [one, other] = [await inSession(userId), await inSession(userId)];
      await lockAccount(userId);
      const verdict = await beginIn(userId, one);
      expect(verdict).toMatchObject({ allowed: true, attempt: { account: `users/${userId}/sessions` } });
      await beginIn(userId, other);
      expect((await beginIn(userId, one)).allowed).toBe(false);
    });

    test("is counted like any other if the session has ended, is another's, or the user may not sign in", async () => {
      const userId = await anId();
      const session = await inSession(userId);
      expect(await isKnown(userId, session)).toBe(true);
      expect(await isKnown(userId, await inSession(await anId()))).toBe(false);
      expect(await isKnown(userId, { sessionId: randomUUID() })).toBe(false);
      await end(session.sessionId);
      expect(await isKnown(userId, session)).toBe(false);
      const suspended = await anId();
      const itsSession = await inSession(suspended);
      const user = await repositoryOf().read(aCall()).users.find({ kind: "id", id: suspended });
      if (user) await suspend(user);
      expect(await isKnown(suspended, itsSession)).toBe(false);
    });

    test("is forgiven with the user's", async () => {
      const userId = await anId();
      const session = await inSession(userId);
      for (let place = 0; place < limits.free; place++) await beginIn(userId, session);
      await transaction(({ attempts }) => attempts.forgive(userId));
      expect((await beginIn(userId, session)).allowed).toBe(true);
    });
  });

  describe("unlocking", () => {
    test("forgets the failures of users, of their devices and in their sessions, and answers whose there were", async () => {
      const [locked, ofDevice, without, notAsked] = [await anId(), await anId(), await anId(), await anId()];
      const device = await addDevice(ofDevice);
      await lockAccount(locked);
      await lockAccount(notAsked);
      for (let place = 0; place < limits.free; place++) await beginIn(ofDevice, by(device));
      const unlock = () =>
        transaction(({ attempts }) => attempts.unlock([locked, ofDevice, without, randomUUID()]));
      expect((await unlock()).sort()).toEqual([locked, ofDevice].sort());
      expect(await unlock()).toEqual([]);
      expect((await beginIn(locked)).allowed).toBe(true);
      expect((await beginIn(ofDevice, by(device))).allowed).toBe(true);
      expect((await beginIn(notAsked)).allowed).toBe(false);
    });

    test("of nobody unlocks nobody", async () => {
      expect(await transaction(({ attempts }) => attempts.unlock([]))).toEqual([]);
    });
  });

  describe("the event of a lock", () => {
    const lockedEventsOf = async (userId: string) => {
      const everything = {
        outcome: undefined,
        caller: undefined,
        createdAfter: undefined,
        createdBefore: undefined,
      };
      const query = {
        ...everything,
        userId,
        types: ["account.locked"] as const,
        after: undefined,
        limit: 10,
      };
      return (await repositoryOf().read(aCall()).events.list(query)).map(({ id }) => id);
    };
    const lockedEvent = (userId: string) => anEvent({ type: "account.locked", userId });

    test("is written with the failure that closes the account, and only with that one", async () => {
      const userId = await anId();
      const { attempt: first } = await beginIn(userId);
      await fail(first, lockedEvent(userId));
      expect(await lockedEventsOf(userId)).toEqual([]);
      const { attempt: second } = await beginIn(userId);
      const locked = lockedEvent(userId);
      await fail(second, locked);
      await fail(second, locked);
      await fail(first, lockedEvent(userId));
      const { attempt: refused } = await beginIn(userId);
      await statements().conclude(
        refused,
        "refused",
        { event: anEvent(), locked: lockedEvent(userId) },
        limits,
      );
      expect(await lockedEventsOf(userId)).toEqual([locked.id]);
    });

    test("is not written with a success", async () => {
      const userId = await anId();
      await beginIn(userId);
      const { attempt } = await beginIn(userId);
      const events = { event: anEvent(), locked: lockedEvent(userId) };
      await statements().conclude(attempt, "succeeded", events, limits);
      expect(await lockedEventsOf(userId)).toEqual([]);
    });
  });
}
