import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { recordText } from "../../../src/domain/transfer/record-text.ts";
import type { UserRecord } from "../../../src/domain/transfer/user-record.ts";

const text = fc.constantFrom("a", "b", '","', "null");
const time = fc.option(
  fc.constantFrom(0, 1).map((ms) => new Date(ms)),
  { nil: undefined },
);
const suspensions = fc.record({ reason: text, startTime: time, untilTime: time }, { noNullPrototype: true });
const fields = {
  id: fc.option(text, { nil: undefined }),
  email: fc.option(text, { nil: undefined }),
  username: fc.option(text, { nil: undefined }),
  displayName: text,
  attributes: fc.dictionary(text, text, { maxKeys: 2, noNullPrototype: true }),
  passwordHash: fc.option(text, { nil: undefined }),
  createTime: time,
  suspension: fc.option(suspensions, { nil: undefined }),
  deleteTime: time,
};
const records: fc.Arbitrary<UserRecord> = fc.record(fields, { noNullPrototype: true });

test("two records have the same text exactly if they are equal", () => {
  const changed = fc
    .tuple(records, records, fc.constantFrom<(keyof UserRecord)[]>("id", "email", "suspension", "attributes"))
    .map(([record, other, field]) => [record, { ...record, [field]: other[field] }] as const);
  fc.assert(
    fc.property(fc.oneof(fc.tuple(records, records), changed), ([a, b]) => {
      expect(recordText(a) === recordText(b)).toBe(isDeepStrictEqual(a, b));
    }),
    { numRuns: 1_000 },
  );
});

test("the order of attributes does not matter", () => {
  const [record] = fc.sample(records, 1) as [UserRecord];
  expect(recordText({ ...record, attributes: { a: "1", b: "2" } })).toBe(
    recordText({ ...record, attributes: { b: "2", a: "1" } }),
  );
});
