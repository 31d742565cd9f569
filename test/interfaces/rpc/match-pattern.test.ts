import { create } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { expect, test } from "vitest";
import { UserSchema } from "../../../src/gen/auth/v1/user_pb.ts";
import { matchPattern } from "../../../src/interfaces/rpc/interceptors/match-pattern.ts";

const characters = ["a", "Z", "1", "_", "-", "\n", "\r", "\0", "\u0085", "\u2028", "é", "😀", "\ud83d"];
const texts = fc.array(fc.constantFrom(...characters), { maxLength: 4 }).map((parts) => parts.join(""));

test("patterns match what RE2 matches", () => {
  const [byRe2, byRuntime] = [createValidator(), createValidator({ regexMatch: matchPattern })];
  fc.assert(
    fc.property(texts, texts, (displayName, key) => {
      const user = create(UserSchema, { displayName, attributes: { [key]: "" } });
      expect(byRuntime.validate(UserSchema, user)).toEqual(byRe2.validate(UserSchema, user));
    }),
    { numRuns: 1_000 },
  );
});

test("a pattern takes linear time", () => {
  const startedAt = performance.now();
  expect(matchPattern("^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*$", `${"a_a".repeat(1_000_000)}_`)).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
