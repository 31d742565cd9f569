import { expect, test } from "vitest";
import { invalidField } from "../../../src/domain/errors.ts";
import { refusedRow } from "../../../src/domain/transfer/refused-row.ts";

// jsonb accepts neither, so one such row made the whole batch fail.
test.each([
  ["NUL in an attribute's key", 'attributes["\0"]'],
  ["a surrogate pair at the place of the cut", "🎉".repeat(200)],
  ["the same, one code unit later", `a${"🎉".repeat(200)}`],
])("the message of a refused row can be stored: %s", (_name, field) => {
  const { message } = refusedRow(0, invalidField("INVALID_REQUEST", field, "must be something else"));
  expect(message.isWellFormed()).toBe(true);
  expect(message).not.toContain("\0");
  expect(message.length).toBeLessThanOrEqual(200);
});
