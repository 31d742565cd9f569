import { randomUUID } from "node:crypto";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromJsonString, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import type { OpenService } from "../../src/cli/open-service.ts";
import { exportLines } from "../../src/cli/transfer/export-lines.ts";
import { formatOf } from "../../src/cli/transfer/formats/formats.ts";
import { importFile } from "../../src/cli/transfer/import-file.ts";
import { earliestMs, latestMs } from "../../src/domain/time-range.ts";
import {
  type ImportUsersRequestSchema,
  type UserRecord,
  UserRecordSchema,
} from "../../src/gen/auth/v1/user_transfer_service_pb.ts";
import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { aCall } from "../support/calls.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { rpcOn } from "../support/rpc.ts";
import { password } from "../support/services.ts";
import { stress } from "../support/stress.ts";
import { hashOfPassword } from "../support/user-records.ts";

type Row = NonNullable<MessageInitShape<typeof ImportUsersRequestSchema>["users"]>[number];

/** Any character but controls, and often those that text formats treat as special. */
const character = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(..."\u2028\u2029\ufeff\u00a0\ufffd\"\\'`,;{}[]<>&%$ \u{10ffff}😀é漢"),
  },
);
const text = (maxLength: number) => fc.array(character, { maxLength }).map((all) => all.join(""));
const name = text(40).map((all) => all.replace(/\p{Cc}/gu, ""));
const value = fc
  .oneof(text(40), fc.string({ unit: "binary", maxLength: 100 }))
  .map((all) => all.replaceAll("\0", ""));
const key = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(_[a-z][a-z0-9]{0,8}){0,3}$/);
const time = fc
  .oneof(
    fc.constantFrom(earliestMs, latestMs, 0, -1, 1, Date.now()),
    fc.integer({ min: earliestMs, max: latestMs }),
  )
  .map((ms) => timestampFromDate(new Date(ms)));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Letters that are allowed in identifiers, and now and then one that is not. */
const letters = (of: fc.Arbitrary<string>) =>
  fc.array(of, { minLength: 1, maxLength: 12 }).map((all) => all.join(""));
const word = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[A-Za-z0-9]{2,12}$/) },
  { weight: 2, arbitrary: letters(fc.constantFrom(..."abcABC019-ßäğĞ漢字ςΣ")) },
  { weight: 1, arbitrary: letters(fc.constantFrom(..."אבגד")) },
  { weight: 1, arbitrary: letters(character) },
);

const record = (hashes: readonly string[]): fc.Arbitrary<Row> =>
  fc
    .record({
      id: fc.oneof(fc.constant(""), fc.uuid()),
      email: maybe(word),
      username: maybe(word),
      displayName: name,
      attributes: fc.dictionary(key, value, { maxKeys: 8 }),
      suspension: maybe(fc.record({ reason: name, startTime: maybe(time), untilTime: maybe(time) })),
      createTime: maybe(time),
      deleteTime: maybe(time),
      passwordHash: fc.constantFrom("", ...hashes),
    })
    .map(({ passwordHash, email, suspension, ...user }) => ({
      passwordHash,
      user: {
        ...user,
        email: email === undefined ? "" : `${email}@example.com`,
        username: user.username ?? (email === undefined ? `u${randomUUID()}` : ""),
        suspension: suspension && { ...suspension, reason: `r${suspension.reason}` },
      },
    }));

describe("users that are exported and imported into an empty service", () => {
  test("are equal except for update_time and etag, whatever the API has accepted", async () => {
    const service = await emptyService();
    const hashes = [await hashOfPassword(), "$2a$12$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6"];
    const seen = { users: 0, suspended: 0, deleted: 0, withHash: 0 };
    const rows = fc.array(record(hashes), { minLength: 20, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(rows, async (users) => {
        await service.clear();
        await service.create(users);
        const { lines, records } = await service.export();
        await service.undeleteAll(records);
        const undeleted = (await service.export()).records;
        await service.clear();
        const imported = await service.import(lines);
        expect(imported).toMatchObject({ rows: records.length, imported: records.length, refused: 0 });
        const again = await service.export();
        expect(again.records.map(comparable)).toEqual(records.map(comparable));
        // A deleted user may have been suspended before.
        await service.undeleteAll(records);
        expect((await service.export()).records.map(comparable)).toEqual(undeleted.map(comparable));
        seen.users += records.length;
        seen.suspended += records.filter(({ user }) => user?.suspension).length;
        seen.deleted += records.filter(({ user }) => user?.deleteTime).length;
        seen.withHash += records.filter(({ passwordHash }) => passwordHash !== "").length;
      }),
      { numRuns: stress(12, 300) },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10);
  }, 300_000);

  test("if they were created, suspended and deleted by calls", async () => {
    const service = await emptyService();
    const { users } = service.rpc;
    const make = async (displayName: string, attributes: Record<string, string> = {}) =>
      (await users.createUser({ user: { username: `u${randomUUID()}`, displayName, attributes }, password }))
        .user?.id ?? "";
    await make("a\u2028b\u2029c\ufeff", { line: "a\r\nb\u0085c\u2028d", empty: "" });
    const suspended = await make("suspended");
    await users.suspendUser({ id: suspended, reason: "spam\u2028" });
    const deleted = await make("deleted");
    await users.suspendUser({ id: deleted, reason: "fraud" });
    await users.deleteUser({ id: deleted });
    const { lines, records } = await service.export();
    expect(lines).toHaveLength(3);
    await service.clear();
    expect(await service.import(lines)).toMatchObject({ rows: 3, imported: 3, refused: 0 });
    expect((await service.export()).records.map(comparable)).toEqual(records.map(comparable));
    const { user } = await users.undeleteUser({ id: deleted });
    expect(user?.suspension).toMatchObject({ reason: "fraud" });
  });
});

function comparable({ user, passwordHash }: UserRecord) {
  return { passwordHash, user: { ...user, updateTime: undefined, etag: undefined } };
}

/** The domain services on PostgreSQL, the command line's export and import, and a way to empty the database. */
async function emptyService() {
  const database = await createTestDatabase();
  const pool = await openMigratedPool(database.uri, 3);
  const direct = new Client({ connectionString: database.uri });
  await direct.connect();
  const folder = await mkdtemp(join(tmpdir(), "round-trip-"));
  onTestFinished(async () => {
    await pool.end();
    await direct.end();
    await database.drop();
    await rm(folder, { recursive: true });
  });
  const rpc = rpcOn(new CockroachRepository(pool));
  const open = { ...rpc.services, call: aCall } as unknown as OpenService;
  const { signal } = new AbortController();
  return {
    rpc,
    clear: () =>
      direct.query("delete from credentials; delete from events; delete from requests; delete from users"),
    async create(users: readonly Row[]) {
      async function* messages() {
        yield { users: [...users] };
      }
      return rpc.transfers.importUsers(messages());
    },
    async export() {
      const path = join(folder, randomUUID());
      await writeFile(path, "");
      const options = { includePasswordHashes: true, showDeleted: true, signal };
      for await (const { text: lines } of exportLines(open, options)) await appendFile(path, lines);
      const { readFile } = await import("node:fs/promises");
      const lines = (await readFile(path, "utf8")).split("\n").slice(0, -1);
      return { lines, records: lines.map((line) => fromJsonString(UserRecordSchema, line)) };
    },
    async import(lines: readonly string[]) {
      const path = join(folder, randomUUID());
      await writeFile(path, lines.map((line) => `${line}\n`).join(""));
      return importFile(open, {
        path,
        format: await formatOf("json", undefined),
        validateOnly: false,
        withAttributes: false,
        signal,
        onHeader: () => {},
        onProgress: () => {},
        onRefused: () => {},
      });
    },
    async undeleteAll(records: readonly UserRecord[]) {
      for (const { user } of records) {
        if (user?.deleteTime) await rpc.users.undeleteUser({ id: user.id });
      }
    },
  };
}
