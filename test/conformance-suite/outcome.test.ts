import { expect, test } from "vitest";
import { compare, readOutcome, readPatterns } from "./outcome.ts";

const output = `a line of a server
FAILED: Errors/HTTPVersion:1/unary/not-found:
\tactual error {code:2} does not match expected code
\texpecting 1 response messages but instead got 0
FAILED: Unexpected Requests/TLS:true/unexpected-uri:
\tactual error contain 1 details; expecting 0

Total cases: 10
8 passed, 2 failed
`;

test("the failures and the totals of a run are read", () => {
  const { total, passed, failed } = readOutcome(output);
  expect([total, passed, [...failed.keys()]]).toEqual([
    10,
    8,
    ["Errors/HTTPVersion:1/unary/not-found", "Unexpected Requests/TLS:true/unexpected-uri"],
  ]);
  expect(failed.get("Errors/HTTPVersion:1/unary/not-found")).toContain("got 0");
});

test("a run without a summary is an error", () => {
  expect(() => readOutcome("panic: …")).toThrow("no summary");
});

test("a failure that is known is counted, any other is a fault", () => {
  const { known, faults } = compare(readOutcome(output), readPatterns("# why\n\n**/unexpected-uri\n"));
  expect(known).toBe(1);
  expect(faults).toEqual([expect.stringContaining("FAILED: Errors/HTTPVersion:1/unary/not-found")]);
});

test("a known failure that does not occur is a fault", () => {
  const { faults } = compare(readOutcome(output), ["Errors/**", "**/unexpected-uri", "Basic/**"]);
  expect(faults).toEqual(["no case failed that matches the known failure Basic/**"]);
});

test("a case that has neither passed nor failed is a fault", () => {
  const missing = output.replace("8 passed", "7 passed");
  const { faults } = compare(readOutcome(missing), ["Errors/**", "**/unexpected-uri"]);
  expect(faults).toEqual(["1 cases have no result"]);
});
