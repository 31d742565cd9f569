import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Call } from "../../../src/domain/call.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { earliestMs, latestMs } from "../../../src/domain/time-range.ts";
import type { ImportedRow, RowReader } from "../../../src/domain/transfer/user-import.ts";
import type { UserRecord } from "../../../src/domain/transfer/user-record.ts";
import { maxImportedRows } from "../../../src/domain/transfer/user-transfer-service.ts";
import { aCall } from "../../support/calls.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { password, servicesOn } from "../../support/services.ts";
import { aRow, hashOfPassword } from "../../support/user-records.ts";

const bcryptOfTest = "$2a$12$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6";

function opened() {
  const repository = new InMemoryRepository();
  const services = servicesOn(repository);
  const begin = (requestId?: string, validateOnly = false) =>
    services.transfers.beginImport({ requestId, validateOnly });
  return {
    ...services,
    repository,
    begin,
    importing: (...rows: RowReader[]) => begin().add(aCall(), rows),
    stored: (id: string) => repository.read(aCall()).credentials.find({ kind: "id", id }),
    all: () => repository.read(aCall()).users.list(everybody),
    events: () => repository.read(aCall()).events.list(everyEvent),
  };
}

const everybody = {
  state: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
  emailPrefix: undefined,
  showDeleted: true,
  orderBy: "id",
  descending: false,
  after: undefined,
  limit: 20_000,
} as const;

const everyEvent = {
  userId: undefined,
  types: [],
  outcome: undefined,
  caller: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
  after: undefined,
  limit: 1_000,
};

const idOf = (row: ImportedRow | undefined) => (row && "userId" in row ? row.userId : "");
const reasonOf = (row: ImportedRow | undefined) => (row && "refused" in row ? row.refused.reason : "");

describe("an import", () => {
  test("creates users with what they bring along, who then sign in", async () => {
    const { importing, stored, authentication } = opened();
    const id = "0B6F6C1E-8F5B-7C1A-9A55-0D6C3A6F7A10";
    const createTime = new Date("2015-01-02T03:04:05.678Z");
    const suspension = { reason: "fraud", startTime: createTime, untilTime: undefined };
    const [kept, made, suspended] = await importing(
      aRow({ id, email: "Ada@Example.com", username: undefined, passwordHash: bcryptOfTest, createTime }),
      aRow({ username: "grace", passwordHash: await hashOfPassword(), attributes: { team: "navy" } }),
      aRow({ suspension }),
    );
    expect(idOf(kept)).toBe(id.toLowerCase());
    expect((await stored(idOf(kept)))?.user).toMatchObject({
      email: { value: "Ada@Example.com", key: "ada@example.com" },
      createTime,
      version: 1,
    });
    expect((await stored(idOf(made)))?.user.attributes).toEqual({ team: "navy" });
    expect((await stored(idOf(suspended)))?.user).toMatchObject({ state: "suspended", suspension });
    const signIn = (identifier: string, typed: string) =>
      authentication.verifyPassword(aCall(), { identifier, password: new Secret(typed) });
    expect((await signIn("ada@example.com", "test")).user.id).toBe(idOf(kept));
    expect((await signIn("grace", password)).user.id).toBe(idOf(made));
    await expect(signIn("grace", "test")).rejects.toMatchObject({ reason: "CREDENTIALS_INVALID" });
  });

  test.each<[string, Partial<UserRecord>, string, RegExp]>([
    ["no identifier", { email: undefined, username: undefined }, "INVALID_REQUEST", /required/],
    ["a broken email", { email: "ada@" }, "EMAIL_INVALID", /domain name/],
    ["a broken username", { username: "a b" }, "USERNAME_INVALID", /^user\.username: /],
    ["an id that is none", { id: "7" }, "INVALID_REQUEST", /^user\.id: /],
    ["the id of nobody", { id: "00000000-0000-0000-0000-000000000000" }, "INVALID_REQUEST", /UUID/],
    [
      "a time before year 1",
      { createTime: new Date(earliestMs - 1) },
      "INVALID_REQUEST",
      /^user\.create_time: /,
    ],
    ["a time after 9999", { createTime: new Date(latestMs + 1) }, "INVALID_REQUEST", /^user\.create_time: /],
    [
      "a malformed key",
      { attributes: { address_2: "" } },
      "INVALID_REQUEST",
      /^user\.attributes\["address_2"\]: /,
    ],
    ["a time that is none", { deleteTime: new Date(Number.NaN) }, "INVALID_REQUEST", /delete_time/],
    [
      "a suspension without a reason",
      { suspension: { reason: "", startTime: undefined, untilTime: undefined } },
      "INVALID_REQUEST",
      /suspension\.reason/,
    ],
    [
      "a plain password for a hash",
      { passwordHash: password },
      "PASSWORD_HASH_UNACCEPTABLE",
      /not in a supported format/,
    ],
    [
      "a broken hash",
      { passwordHash: bcryptOfTest.slice(0, -3) },
      "PASSWORD_HASH_UNACCEPTABLE",
      /^password_hash: the hash /,
    ],
    [
      "a hash that would take four GiB to check",
      {
        passwordHash:
          "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$LOKTtK9A0wjPnzTB3cWdpXKSLS8ZcJ0NcdJ6Ra0yvz4",
      },
      "PASSWORD_HASH_UNACCEPTABLE",
      /asks for more/,
    ],
    [
      "a hash of a megabyte",
      { passwordHash: "$2b$10$".repeat(150_000) },
      "PASSWORD_HASH_UNACCEPTABLE",
      /too long/,
    ],
  ])("refuses a row with %s, and takes the others", async (_, changes, reason, sentence) => {
    const { importing, all } = opened();
    const [first, broken, last] = await importing(aRow(), aRow(changes), aRow());
    expect(broken).toMatchObject({ refused: { reason, message: expect.stringMatching(sentence) } });
    expect((await all()).map(({ id }) => id).sort()).toEqual([idOf(first), idOf(last)].sort());
    const { passwordHash } = changes;
    if (passwordHash !== undefined) expect(JSON.stringify(broken)).not.toContain(passwordHash.slice(0, 20));
  });

  test("refuses who has the id, the email or the username of another user, deleted or not", async () => {
    const { importing, users, all } = opened();
    const there = await users.create(aCall(), {
      email: "ada@example.com",
      username: "ada",
      displayName: "",
      attributes: {},
      password: undefined,
      requestId: undefined,
    });
    await users.delete(aCall(), { id: there.id, etag: undefined, requestId: undefined });
    const rows = await importing(
      aRow({ email: "ADA@example.com" }),
      aRow({ username: "Ada" }),
      aRow({ id: there.id.toUpperCase() }),
      aRow({ id: there.id, email: "ada@example.com" }),
      aRow(),
    );
    expect(rows.map(reasonOf)).toEqual([
      "EMAIL_TAKEN",
      "USERNAME_TAKEN",
      "USER_ID_TAKEN",
      "USER_ID_TAKEN",
      "",
    ]);
    expect(await all()).toHaveLength(2);
  });

  test.each([false, true])(
    "takes rows one after another: who is refused takes no name (checked only: %s)",
    async (validateOnly) => {
      const { importing, begin } = opened();
      await importing(aRow({ username: "taken" }));
      const rows = [
        aRow({ username: "taken", email: "free@example.com" }),
        aRow({ username: "first", email: "free@example.com" }),
        aRow({ username: "second", email: "free@example.com" }),
        aRow({ username: "second" }),
        aRow({ username: "first" }),
      ];
      const expected = ["USERNAME_TAKEN", "", "EMAIL_TAKEN", "", "USERNAME_TAKEN"];
      expect((await begin(undefined, validateOnly).add(aCall(), rows)).map(reasonOf)).toEqual(expected);
      const oneByOne = opened();
      await oneByOne.importing(aRow({ username: "taken" }));
      const slow = oneByOne.begin(undefined, validateOnly);
      const reasons: string[] = [];
      for (const row of rows) reasons.push(...(await slow.add(aCall(), [row])).map(reasonOf));
      expect(reasons).toEqual(expected);
    },
  );

  test("that only checks says what would be, and changes nothing", async () => {
    const { begin, all, events } = opened();
    const id = randomUUID();
    const [good, repeated, bad] = await begin(undefined, true).add(aCall(), [
      aRow({ id, username: "ada" }),
      aRow({ username: "ADA" }),
      aRow({ email: "ada@" }),
    ]);
    expect(idOf(good)).toBe(id);
    expect([repeated, bad].map(reasonOf)).toEqual(["USERNAME_TAKEN", "EMAIL_INVALID"]);
    expect(await all()).toEqual([]);
    expect(await events()).toEqual([]);
  });

  test("writes an event for each user, and nothing of its values", async () => {
    const { importing, events } = opened();
    const [made] = await importing(
      aRow({ username: undefined, passwordHash: bcryptOfTest }),
      aRow({ email: "ada@" }),
    );
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: "user.imported",
      userId: idOf(made),
      changedFields: ["email", "password"],
      outcome: "success",
    });
    expect(JSON.stringify(event)).not.toMatch(/ada-|\$2a\$/);
  });

  test("has at most so many rows, and keeps those that came before", async () => {
    const { begin, all } = opened();
    const users = begin();
    const nobody = aRow({ email: undefined, username: undefined });
    await users.add(aCall(), [aRow()]);
    await users.add(
      aCall(),
      Array.from({ length: maxImportedRows - 1 }, () => nobody),
    );
    await expect(users.add(aCall(), [aRow()])).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
    expect(await all()).toHaveLength(1);
  });

  test("of many rows lets others have their turns", async () => {
    const { begin } = opened();
    const rows = Array.from({ length: 500 }, () => aRow({ email: undefined, username: undefined }));
    let turns = 0;
    const ended = new AbortController();
    const counting = (async () => {
      while (!ended.signal.aborted) {
        turns += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await begin().add(aCall(), rows);
    ended.abort();
    await counting;
    expect(turns).toBeGreaterThan(10);
  });
});

describe("an import that is sent again with its request id", () => {
  const taken = { username: "taken" };
  const done = (row: ImportedRow | undefined) => row && "userId" in row && row.alreadyImported;
  const shuffled = <T>(rows: readonly T[]) => rows.map((_, n) => rows[(n * 3) % rows.length] as T);

  test("answers the rows that it has created with their ids, and does nothing twice", async () => {
    const { begin, all, events, importing } = opened();
    await importing(aRow(taken));
    const requestId = randomUUID();
    const batches = [[aRow(), aRow(taken), aRow({ email: "x" })], [aRow({ id: randomUUID() })]];
    const send = async (id: string, validateOnly = false) => {
      const users = begin(id, validateOnly);
      const rows: ImportedRow[] = [];
      for (const batch of batches) rows.push(...(await users.add(aCall(), batch)));
      return rows;
    };
    const first = await send(requestId);
    expect(first.map(reasonOf)).toEqual(["", "USERNAME_TAKEN", "EMAIL_INVALID", ""]);
    expect(first.some(done)).toBe(false);
    const expected = first.map((row) => ("userId" in row ? { ...row, alreadyImported: true } : row));
    expect(await send(requestId.toUpperCase(), true)).toEqual(expected);
    expect(await send(requestId.toUpperCase())).toEqual(expected);
    expect(await all()).toHaveLength(3);
    expect(await events()).toHaveLength(3);
  });

  const known = "0b6f6c1e-8f5b-4c1a-9a55-0d6c3a6f7a10";
  test.each<[string, string | undefined, string | undefined, Partial<Call["origin"]>]>([
    ["without a request id", known, undefined, {}],
    ["with another request id", known, randomUUID(), {}],
    ["after an import without a request id, without one", undefined, undefined, {}],
    ["by another caller", known, known, { caller: "spiffe://example.org/other" }],
  ])("%s it is another import, which finds its names taken", async (_, first, second, origin) => {
    const { begin, all } = opened();
    const rows = [aRow({ id: randomUUID() }), aRow()];
    await begin(first).add(aCall(), rows);
    const call = { ...aCall(), origin: { ...aCall().origin, ...origin } };
    const again = await begin(second).add(call, rows);
    expect(again.map(reasonOf)).toEqual(["USER_ID_TAKEN", "EMAIL_TAKEN"]);
    expect(await all()).toHaveLength(2);
  });

  test("after it was cut off, with repaired rows, in another order and in other batches, creates the others", async () => {
    const { begin, all } = opened();
    const requestId = randomUUID();
    const good = Array.from({ length: 5 }, () => aRow({ passwordHash: bcryptOfTest }));
    const before = await begin(requestId).add(aCall(), [...good, aRow({ email: "x" })]);
    const again = begin(requestId);
    const [repaired] = await again.add(aCall(), [aRow({ username: "repaired" })]);
    expect(done(repaired)).toBe(false);
    const rows: ImportedRow[] = [];
    for (const row of shuffled(good)) rows.push(...(await again.add(aCall(), [row])));
    expect(rows.every(done)).toBe(true);
    expect(rows.map(idOf)).toEqual(shuffled(before.slice(0, 5)).map(idOf));
    expect(await all()).toHaveLength(6);
  });

  test("knows its rows after their users have other names and passwords, or are deleted", async () => {
    const { begin, users, repository, all } = opened();
    const requestId = randomUUID();
    const rows = [aRow({ username: "renamed", passwordHash: bcryptOfTest }), aRow({ id: randomUUID() })];
    const [renamed, deleted] = (await begin(requestId).add(aCall(), rows)).map(idOf) as [string, string];
    const noGuards = { etag: undefined, requestId: undefined };
    await users.delete(aCall(), { id: deleted, ...noGuards });
    await repository.transaction(aCall(), async ({ users: stored, credentials }) => {
      const user = await stored.find({ kind: "id", id: renamed });
      const name = { value: "other", key: "other" };
      await stored.update(user!, { ...user!, email: undefined, username: name });
      await credentials.put(renamed, "another hash");
    });
    const again = await begin(requestId).add(aCall(), [...rows, aRow({ username: "renamed" })]);
    expect(again.map(done)).toEqual([true, true, false]);
    // Its row came first, as in the first run.
    expect(again.map(reasonOf)).toEqual(["", "", "USERNAME_TAKEN"]);
    expect(await all()).toHaveLength(2);
  });

  test.each([false, true])(
    "refuses a row that repeats another one, both times (own ids: %s)",
    async (own) => {
      const { begin, all } = opened();
      const requestId = randomUUID();
      const row = aRow(own ? { id: randomUUID() } : {});
      for (const isDone of [false, true]) {
        const users = begin(requestId);
        const rows = await users.add(aCall(), [row, row]);
        rows.push(...(await users.add(aCall(), [row])));
        expect(done(rows[0])).toBe(isDone);
        expect(rows.map(reasonOf)).toEqual(["", "EMAIL_TAKEN", "EMAIL_TAKEN"]);
      }
      expect(await all()).toHaveLength(1);
    },
  );

  test("four times at once is done once", async () => {
    const { begin, all, events } = opened();
    const requestId = randomUUID();
    const rows = [aRow(), aRow()];
    const answers = await Promise.all([1, 2, 3, 4].map(() => begin(requestId).add(aCall(), rows)));
    for (const answer of answers) expect(answer.map(idOf)).toEqual(answers[0]?.map(idOf));
    expect(answers.filter((answer) => answer.some(done))).toHaveLength(3);
    expect(await all()).toHaveLength(2);
    expect(await events()).toHaveLength(2);
  });

  test("recognizes its rows if the answer to a commit was lost, without a request id too", async () => {
    const { importing, repository, all, events } = opened();
    const transaction = repository.transaction.bind(repository);
    repository.transaction = async (call, work) => {
      await transaction(call, work);
      return transaction(call, work);
    };
    const rows = await importing(aRow(), aRow({ id: randomUUID() }), aRow({ email: "x" }));
    expect(rows.map(reasonOf)).toEqual(["", "", "EMAIL_INVALID"]);
    expect(await all()).toHaveLength(2);
    expect(await events()).toHaveLength(2);
  });

  test.each<[string, Partial<UserRecord>]>([
    ["hash", { passwordHash: bcryptOfTest }],
    ["display name", { displayName: "Ada" }],
    ["attribute", { attributes: { team: "navy" } }],
    ["suspension", { suspension: { reason: "fraud", startTime: undefined, untilTime: undefined } }],
    ["creation time", { createTime: new Date(0) }],
  ])("refuses a row with another %s, because its user exists", async (_, change) => {
    const { begin, all } = opened();
    const requestId = randomUUID();
    const rows = [aRow(), aRow({ id: randomUUID() })];
    await begin(requestId).add(aCall(), rows);
    const changed = rows.map((row) => () => ({ ...row(), ...change }));
    const again = await begin(requestId).add(aCall(), changed);
    expect(again).toMatchObject([
      { refused: { reason: "EMAIL_TAKEN", message: "a user with this email already exists" } },
      { refused: { reason: "USER_ID_TAKEN", message: "a user with this id already exists" } },
    ]);
    expect(await all()).toHaveLength(2);
  });

  test("makes ids (RFC 9562, version 8) that follow from the row", async () => {
    const { begin } = opened();
    const requestId = randomUUID();
    const rows = [aRow(), aRow()];
    const checked = await begin(requestId, true).add(aCall(), rows);
    const made = await begin(requestId).add(aCall(), rows.toReversed());
    expect(made.toReversed()).toEqual(checked);
    expect(idOf(made[0])).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
