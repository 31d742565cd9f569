import { expect, test } from "vitest";
import { invalidField } from "../../../src/domain/errors.ts";
import { refusedRow } from "../../../src/domain/transfer/refused-row.ts";

test.each([
  ["a surrogate pair at the place of the cut", "🎉".repeat(200)],
  ["the same, one byte later", `a${"🎉".repeat(200)}`],
  ["letters of three bytes", "漢".repeat(200)],
  ["half a surrogate pair", `a\ud83c${"x".repeat(300)}`],
])("the message of a refused row has at most 200 bytes, and whole characters: %s", (_name, field) => {
  const { message } = refusedRow(0, invalidField("INVALID_REQUEST", field, "must be something else"));
  expect(message.isWellFormed()).toBe(true);
  expect(field.toWellFormed().startsWith(message)).toBe(true);
  expect(Buffer.byteLength(message)).toBeGreaterThan(196);
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(200);
});
