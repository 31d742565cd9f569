import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { Secret } from "../../../src/domain/secret.ts";
import type { User } from "../../../src/domain/user/user.ts";
import type { CreateUser, ListUsers, UserService } from "../../../src/domain/user/user-service.ts";
import { draftOf } from "../../contract/user-profiles.ts";
import { askedOf } from "../../support/asked.ts";
import { aCall } from "../../support/calls.ts";
import { type ClockedServices, clockedServices } from "../../support/clocked-services.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { otherPassword, password, servicesOn } from "../../support/services.ts";
import { unguessable } from "../../support/unguessable.ts";

let time: number;
let repository: InMemoryRepository;
let users: UserService;

beforeEach(() => {
  time = Date.parse("2026-11-22T12:00:00Z");
  repository = new InMemoryRepository(() => new Date(time));
  users = servicesOn(repository).users;
});

const aUser = (changes: Partial<CreateUser> = {}): CreateUser => ({
  email: "Ada@Example.com",
  username: "Ada",
  displayName: "Ada Lovelace",
  attributes: { team: "engines" },
  password: undefined,
  requestId: undefined,
  ...changes,
});
const create = (changes?: Partial<CreateUser>) => users.create(aCall(), aUser(changes));
const get = ({ id }: { id: string }) => users.get(aCall(), { kind: "id", value: id });
const change = (user: { id: string }) => ({ id: user.id, etag: undefined, requestId: undefined });

describe("create", () => {
  test("keeps identifiers as given and compares them by their keys", async () => {
    const user = await create();
    expect(user.email).toEqual({ value: "Ada@Example.com", key: "ada@example.com" });
    expect(user.username).toEqual({ value: "Ada", key: "ada" });
    expect(user.state).toBe("active");
    expect(await get(user)).toEqual(user);
    expect(user.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test.each([
    { email: "ADA@EXAMPLE.COM", username: "other", reason: "EMAIL_TAKEN" },
    { email: "ａｄａ＠example.com", username: "other", reason: "EMAIL_TAKEN" },
    { email: "other@example.com", username: "ADA", reason: "USERNAME_TAKEN" },
    { email: "other@example.com", username: "ａｄａ", reason: "USERNAME_TAKEN" },
  ])("refuses $email, $username where they are another user's in any case or width", async (identifiers) => {
    await create();
    await expect(create(identifiers)).rejects.toMatchObject({ reason: identifiers.reason });
  });

  test("refuses a user without any identifier", async () => {
    await expect(create({ email: undefined, username: undefined })).rejects.toMatchObject({
      reason: "INVALID_REQUEST",
      violations: [{ field: "user.email" }],
    });
  });

  test.each([
    { changes: { email: "ada@" }, reason: "EMAIL_INVALID", field: "user.email" },
    { changes: { username: "a b" }, reason: "USERNAME_INVALID", field: "user.username" },
    {
      changes: { password: new Secret(unguessable(14)) },
      reason: "PASSWORD_UNACCEPTABLE",
      field: "password",
    },
    {
      changes: { password: new Secret(unguessable(257)) },
      reason: "PASSWORD_UNACCEPTABLE",
      field: "password",
    },
  ])("refuses $changes and creates nothing", async ({ changes, reason, field }) => {
    await expect(create(changes)).rejects.toMatchObject({ reason, violations: [{ field }] });
    expect((await users.list(aCall(), everything)).users).toEqual([]);
  });
});

describe("a request id", () => {
  const requestId = randomUUID();

  test("with the same content answers the same and acts once", async () => {
    const first = await create({ requestId });
    time += 1_000;
    expect(await create({ requestId })).toEqual(first);
    expect(await create({ requestId: requestId.toUpperCase() })).toEqual(first);
    expect((await users.list(aCall(), everything)).users).toHaveLength(1);
  });

  test("answers what it answered, whatever became of the user since", async () => {
    const first = await create({ requestId });
    await users.delete(aCall(), change(first));
    expect(await create({ requestId })).toEqual(first);
  });

  test("with other content is refused", async () => {
    await create({ requestId });
    await expect(create({ requestId, displayName: "Other" })).rejects.toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
    await expect(users.delete(aCall(), { ...change({ id: randomUUID() }), requestId })).rejects.toMatchObject(
      { reason: "REQUEST_ID_REUSED" },
    );
  });

  test("tells one password from another, and from none", async () => {
    const first = await create({ requestId, password: new Secret(password) });
    expect(await create({ requestId, password: new Secret(password) })).toEqual(first);
    for (const other of [new Secret(otherPassword), undefined]) {
      await expect(create({ requestId, password: other })).rejects.toMatchObject({
        reason: "REQUEST_ID_REUSED",
      });
    }
  });

  test("of a call that failed is free again", async () => {
    await create();
    await expect(create({ requestId })).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });
    await create({ requestId, email: "other@example.com", username: "other" });
  });
});

describe("get and batchGet", () => {
  test("find a user by id in any case, by email and by username in any form", async () => {
    const user = await create();
    for (const reference of [
      { kind: "id", value: user.id.toUpperCase() },
      { kind: "email", value: "ADA@example.COM" },
      { kind: "username", value: "ａＤａ" },
    ] as const) {
      expect(await users.get(aCall(), reference)).toEqual(user);
    }
  });

  test("say what is not there, and what cannot be", async () => {
    await expect(get({ id: randomUUID() })).rejects.toMatchObject({ reason: "USER_NOT_FOUND" });
    await expect(users.get(aCall(), { kind: "email", value: "@" })).rejects.toMatchObject({
      reason: "EMAIL_INVALID",
    });
  });

  test("answer a deleted user too", async () => {
    const user = await create();
    await users.delete(aCall(), change(user));
    expect((await get(user)).state).toBe("deleted");
  });

  test("a batch has one result for each reference, in order, repeated ones too", async () => {
    const [a, b] = [await create(), await create({ email: "b@example.com", username: undefined })];
    const results = await users.batchGet(aCall(), [
      { kind: "email", value: "B@example.com" },
      { kind: "id", value: randomUUID() },
      { kind: "username", value: "ada" },
      { kind: "email", value: "broken" },
      { kind: "id", value: a.id.toUpperCase() },
    ]);
    expect(results.map((result) => (result instanceof DomainError ? result.reason : result.id))).toEqual([
      b.id,
      "USER_NOT_FOUND",
      a.id,
      "EMAIL_INVALID",
      a.id,
    ]);
  });
});

const everything: ListUsers = {
  state: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
  emailPrefix: undefined,
  showDeleted: true,
  orderBy: "createTime",
  descending: false,
  pageSize: 0,
  pageToken: "",
};

describe("list", () => {
  const populate = async (count: number) => {
    for (let i = 0; i < count; i++) {
      time += 1;
      await create({ email: `user-${i}@example.com`, username: undefined });
    }
  };

  test("pages through everything, each user once", async () => {
    await populate(7);
    const seen: User[] = [];
    let pageToken = "";
    const sizes: number[] = [];
    do {
      const page = await users.list(aCall(), { ...everything, pageSize: 3, pageToken });
      seen.push(...page.users);
      sizes.push(page.users.length);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(sizes).toEqual([3, 3, 1]);
    expect(seen.map(({ email }) => email?.value)).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((i) => `user-${i}@example.com`),
    );
  });

  test("a last page that is just full has no next one", async () => {
    await populate(3);
    expect((await users.list(aCall(), { ...everything, pageSize: 3 })).nextPageToken).toBe("");
  });

  test("0 means 50, and more than 1,000 means 1,000", async () => {
    await populate(51);
    expect((await users.list(aCall(), everything)).users).toHaveLength(50);
    expect((await users.list(aCall(), { ...everything, pageSize: 2_000_000_000 })).users).toHaveLength(51);
  });

  test("a prefix is compared as emails are", async () => {
    await populate(12);
    const page = await users.list(aCall(), { ...everything, emailPrefix: "ＵSER-1" });
    expect(page.users.map(({ email }) => email?.value)).toEqual([
      "user-1@example.com",
      "user-10@example.com",
      "user-11@example.com",
    ]);
  });

  test.each([
    { name: "another order", changes: { descending: true } },
    { name: "another filter", changes: { emailPrefix: "user" } },
    { name: "show_deleted", changes: { showDeleted: false } },
  ])("a token is no good with $name", async ({ changes }) => {
    await populate(3);
    const { nextPageToken } = await users.list(aCall(), { ...everything, pageSize: 1 });
    await expect(
      users.list(aCall(), { ...everything, ...changes, pageToken: nextPageToken }),
    ).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID", violations: [{ field: "page_token" }] });
    // The size of a page may change on the way.
    expect(
      (await users.list(aCall(), { ...everything, pageSize: 2, pageToken: nextPageToken })).users,
    ).toHaveLength(2);
  });

  test.each(["x", "AAAA", "🙂", "a".repeat(1_000)])("the token %j was never ours", async (pageToken) => {
    await expect(users.list(aCall(), { ...everything, pageToken })).rejects.toMatchObject({
      reason: "PAGE_TOKEN_INVALID",
    });
  });
});

describe("update", () => {
  const update = (user: User, mask: string[], fields: object, etag?: string, requestId?: string) =>
    users.update(aCall(), {
      id: user.id,
      etag,
      requestId,
      mask,
      fields: { email: undefined, username: undefined, displayName: "", attributes: {}, ...fields },
    });

  test("changes what the mask names and nothing else", async () => {
    const user = await create();
    const updated = await update(user, ["display_name"], { displayName: "Countess", email: "x@example.com" });
    expect(updated).toMatchObject({ displayName: "Countess", email: user.email, username: user.username });
    expect(updated.etag).not.toBe(user.etag);
  });

  test("clears what the mask names and the user does not have", async () => {
    const updated = await update(await create(), ["username", "display_name", "attributes"], {});
    expect(updated).toMatchObject({ username: undefined, displayName: "", attributes: {} });
  });

  test("sets, replaces and removes one attribute (AIP-161)", async () => {
    const user = await create({ attributes: { a: "1", b: "2" } });
    expect((await update(user, ["attributes.c"], { attributes: { c: "3" } })).attributes).toEqual({
      a: "1",
      b: "2",
      c: "3",
    });
    expect(
      (await update(user, ["attributes.a", "attributes.b"], { attributes: { b: "4" } })).attributes,
    ).toEqual({
      b: "4",
      c: "3",
    });
    // An attribute may be called like what every object inherits.
    const named = await update(user, ["attributes.constructor"], { attributes: { constructor: "5" } });
    expect(named.attributes).toEqual({ b: "4", c: "3", constructor: "5" });
    expect((await update(user, ["attributes.constructor"], {})).attributes).toEqual({ b: "4", c: "3" });
  });

  test("an attribute in the mask is of the request or of the stored user, whatever other paths do to it", async () => {
    const user = await create({ attributes: { a: "1" } });
    const twice = await update(user, ["attributes.a", "attributes", "attributes.a"], {});
    expect(twice.attributes).toEqual({});
    for (const mask of [["attributes.a"], ["attributes.toString"], ["attributes.a.b"], ["attributes.b"]]) {
      await expect(update(user, mask, { attributes: { other: "" } })).rejects.toMatchObject({
        reason: "UPDATE_MASK_INVALID",
        violations: [{ field: "update_mask" }],
      });
    }
  });

  test.each(["address_2", "a__b", "_x", "x_", "Address", "é", "", "a".repeat(64)])(
    "refuses a new attribute with the key %j",
    async (key) => {
      const user = await create();
      const refusal = { reason: "INVALID_REQUEST", violations: [{ field: `user.attributes["${key}"]` }] };
      for (const mask of ["*", "attributes", `attributes.${key}`]) {
        const changed = update(user, [mask], { username: "a", attributes: { [key]: "" } });
        await expect(changed).rejects.toMatchObject(refusal);
      }
      await expect(create({ attributes: { [key]: "" } })).rejects.toMatchObject(refusal);
      expect(await get(user)).toEqual(user);
    },
  );

  test("keeps an attribute that another release has stored under another rule, and can remove it", async () => {
    const user = await create();
    await repository.transaction(aCall(), async ({ users }) => {
      await users.update(user, { ...draftOf(user), attributes: { address_2: "x" } });
    });
    const kept = await update(user, ["display_name"], { displayName: "Countess" });
    expect(kept.attributes).toEqual({ address_2: "x" });
    expect((await update(user, ["attributes.address_2"], {})).attributes).toEqual({});
  });

  test('"*" is everything', async () => {
    const updated = await update(await create(), ["*"], { email: "new@example.com" });
    expect(updated).toMatchObject({ username: undefined, displayName: "", attributes: {} });
    expect(updated.email?.key).toBe("new@example.com");
  });

  test("that changes nothing leaves the version", async () => {
    const user = await create();
    expect(await update(user, ["display_name"], { displayName: user.displayName })).toEqual(user);
  });

  test.each([
    [],
    ["id"],
    ["state"],
    ["displayName"],
    ["attributes."],
    ["attributes.A"],
    ["email", "nonsense"],
    ["password"],
  ])("refuses the mask %j and changes nothing", async (...mask) => {
    const user = await create();
    await expect(update(user, mask, { email: "new@example.com" })).rejects.toMatchObject({
      reason: "UPDATE_MASK_INVALID",
      violations: [{ field: "update_mask" }],
    });
    expect(await get(user)).toEqual(user);
  });

  test("keeps at least one identifier, and at most 32 attributes", async () => {
    const user = await create({
      attributes: Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i}`, ""])),
    });
    await expect(update(user, ["email", "username"], {})).rejects.toMatchObject({
      reason: "INVALID_REQUEST",
    });
    await expect(update(user, ["attributes.more"], { attributes: { more: "" } })).rejects.toMatchObject({
      reason: "INVALID_REQUEST",
      violations: [{ field: "user.attributes" }],
    });
  });

  test("frees the identifier that it takes away", async () => {
    const user = await create();
    await update(user, ["email"], { email: "new@example.com" });
    await create({ username: "other" });
    await expect(update(user, ["email"], { email: "ADA@example.com" })).rejects.toMatchObject({
      reason: "EMAIL_TAKEN",
    });
  });

  test("with an etag changes only the user as it was read", async () => {
    const user = await create();
    const updated = await update(user, ["display_name"], { displayName: "1" }, user.etag);
    await expect(update(user, ["display_name"], { displayName: "2" }, user.etag)).rejects.toMatchObject({
      reason: "ETAG_MISMATCH",
    });
    expect(await get(user)).toEqual(updated);
  });

  test("of a deleted or a missing user is refused", async () => {
    const user = await create();
    await users.delete(aCall(), change(user));
    await expect(update(user, ["display_name"], {})).rejects.toMatchObject({ reason: "USER_DELETED" });
    await expect(users.delete(aCall(), change({ id: randomUUID() }))).rejects.toMatchObject({
      reason: "USER_NOT_FOUND",
    });
  });
});

describe("delete and undelete", () => {
  test("a deleted user is there, is not listed, and keeps its identifiers", async () => {
    const user = await create();
    const deleted = await users.delete(aCall(), { ...change(user), etag: user.etag });
    expect(deleted).toMatchObject({ state: "deleted", deleteTime: new Date(time) });
    expect((await users.list(aCall(), { ...everything, showDeleted: false })).users).toEqual([]);
    await expect(create()).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });
    await expect(users.delete(aCall(), change(user))).rejects.toMatchObject({ reason: "USER_NOT_FOUND" });
  });

  test("undelete brings it back, with a suspension from before", async () => {
    const user = await create();
    const suspended = await users.suspend(aCall(), {
      ...change(user),
      reason: "fraud",
      untilTime: undefined,
    });
    await users.delete(aCall(), change(user));
    const undeleted = await users.undelete(aCall(), change(user));
    expect(undeleted).toMatchObject({
      state: "suspended",
      deleteTime: undefined,
      suspension: suspended.suspension,
    });
    await expect(users.undelete(aCall(), change(user))).rejects.toMatchObject({ reason: "USER_NOT_DELETED" });
  });
});

describe("suspend and unsuspend", () => {
  const suspend = (user: User, reason: string, untilTime?: Date) =>
    users.suspend(aCall(), { ...change(user), reason, untilTime });

  test("are idempotent", async () => {
    const user = await create();
    const suspended = await suspend(user, "fraud");
    time += 1_000;
    expect(await suspend(user, "fraud")).toEqual(suspended);
    const unsuspended = await users.unsuspend(aCall(), change(user));
    expect(unsuspended).toMatchObject({ state: "active", suspension: undefined });
    expect(await users.unsuspend(aCall(), change(user))).toEqual(unsuspended);
  });

  test("a new reason or end keeps the start", async () => {
    const user = await create();
    const suspended = await suspend(user, "fraud");
    time += 1_000;
    const prolonged = await suspend(user, "worse", new Date(time + 5_000));
    expect(prolonged.suspension).toEqual({
      reason: "worse",
      startTime: suspended.suspension?.startTime,
      untilTime: new Date(time + 5_000),
    });
  });

  test("a suspension ends by itself, and a later one begins anew", async () => {
    const user = await create();
    await suspend(user, "fraud", new Date(time + 5_000));
    time += 5_000;
    expect((await get(user)).state).toBe("active");
    expect((await suspend(user, "again")).suspension?.startTime).toEqual(new Date(time));
  });

  test("an end that has passed is refused, and changes nothing", async () => {
    const user = await create();
    await expect(suspend(user, "fraud", new Date(time))).rejects.toMatchObject({
      reason: "SUSPENSION_IN_PAST",
    });
    expect(await get(user)).toEqual(user);
  });

  test("a deleted user is neither suspended nor unsuspended", async () => {
    const user = await create();
    await users.delete(aCall(), change(user));
    await expect(suspend(user, "fraud")).rejects.toMatchObject({ reason: "USER_DELETED" });
    await expect(users.unsuspend(aCall(), change(user))).rejects.toMatchObject({ reason: "USER_DELETED" });
  });
});

describe("the sessions of a user", () => {
  let services: ClockedServices;
  let ada: User;
  let signIns: Awaited<ReturnType<ClockedServices["signIn"]>>[];

  beforeEach(async () => {
    services = await clockedServices();
    ada = await services.create("ada");
    await services.create("bob");
    signIns = [await services.signIn("ada"), await services.signIn("ada"), await services.signIn("bob")];
  });

  const suspend = (changes: { reason?: string; untilTime?: Date; etag?: string; requestId?: string } = {}) =>
    services.users.suspend(aCall(), { ...change(ada), reason: "fraud", untilTime: undefined, ...changes });
  const states = async () => {
    const found = signIns.map(({ session }) => services.sessions.get(aCall(), session.id));
    return (await Promise.all(found)).map(({ state, endReason }) => endReason ?? state);
  };

  test.each([
    ["suspended", "user-suspended", () => suspend()],
    [
      "suspended for a while",
      "user-suspended",
      () => suspend({ untilTime: new Date(services.clocks.databaseMs + 1) }),
    ],
    ["deleted", "user-deleted", () => services.users.delete(aCall(), change(ada))],
  ])("end when it is %s, in the transaction that does so", async (_how, reason, end) => {
    const asked = askedOf(services.repository);
    await end();
    expect(asked.map(({ what }) => what)).toEqual(["transaction"]);
    expect(await states()).toEqual([reason, reason, "live"]);
    for (const { tokens } of signIns.slice(0, 2)) {
      expect(await services.introspect(tokens.accessToken)).toBeUndefined();
      await expect(services.refresh(tokens.refreshToken)).rejects.toMatchObject({
        reason: "REFRESH_TOKEN_INVALID",
      });
    }
  });

  test("go on when the change is not made", async () => {
    const past = new Date(services.clocks.databaseMs);
    await expect(suspend({ untilTime: past })).rejects.toMatchObject({ reason: "SUSPENSION_IN_PAST" });
    await expect(suspend({ etag: "other" })).rejects.toMatchObject({ reason: "ETAG_MISMATCH" });
    await expect(services.users.delete(aCall(), { ...change(ada), etag: "other" })).rejects.toMatchObject({
      reason: "ETAG_MISMATCH",
    });
    expect(await states()).toEqual(["live", "live", "live"]);
    expect((await services.users.get(aCall(), { kind: "id", value: ada.id })).state).toBe("active");
  });

  test("go on when something else of the user is changed", async () => {
    await services.users.update(aCall(), {
      ...change(ada),
      mask: ["email"],
      fields: { email: "new@example.com", username: undefined, displayName: "", attributes: {} },
    });
    await services.users.unsuspend(aCall(), change(ada));
    expect(await states()).toEqual(["live", "live", "live"]);
  });

  test("do not come back with the user", async () => {
    await suspend({ untilTime: new Date(services.clocks.databaseMs + 1_000) });
    services.clocks.pass(1_000);
    expect((await services.users.get(aCall(), { kind: "id", value: ada.id })).state).toBe("active");
    expect(await states()).toEqual(["user-suspended", "user-suspended", "live"]);
    await services.users.unsuspend(aCall(), change(ada));
    expect(await states()).toEqual(["user-suspended", "user-suspended", "live"]);
    signIns = [await services.signIn("ada")];
    await services.users.delete(aCall(), change(ada));
    await services.users.undelete(aCall(), change(ada));
    expect(await states()).toEqual(["user-deleted"]);
    const [{ tokens } = expect.fail()] = signIns;
    expect(await services.introspect(tokens.accessToken)).toBeUndefined();
    await services.signIn("ada");
  });

  test("that begin after a suspension are not ended by a repetition of the call", async () => {
    const requestId = randomUUID();
    const suspended = await suspend({ requestId });
    await services.users.unsuspend(aCall(), change(ada));
    signIns = [await services.signIn("ada")];
    expect(await suspend({ requestId })).toEqual(suspended);
    expect(await states()).toEqual(["live"]);
  });
});
