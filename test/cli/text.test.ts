import { expect, test } from "vitest";
import { columns, escapeControls, formatTime, plural } from "../../src/cli/text.ts";
import { userReference } from "../../src/cli/user-reference.ts";

test("columns are as wide as their widest cell, and lines end with what they say", () => {
  expect(columns([["a", "bb", "c"], ["aaa", "", ""], ["", "é", "\u001b[31mred\u001b[39m"], ["x"]])).toBe(
    "a    bb  c\naaa\n     é   \u001b[31mred\u001b[39m\nx\n",
  );
  expect(columns([])).toBe("");
});

test("what moves a cursor, hides or turns text around is written out", () => {
  expect(escapeControls("Ada\u001b[2J\r\n\u202eabc\u200b\u0000\ufeff")).toBe(
    "Ada\\u{1b}[2J\\u{d}\\u{a}\\u{202e}abc\\u{200b}\\u{0}\\u{feff}",
  );
  expect(escapeControls("Grüße, 世界 👋")).toBe("Grüße, 世界 👋");
});

test("a moment is RFC 3339 in UTC, and a dash where there is none", () => {
  expect(formatTime(new Date(0))).toBe("1970-01-01T00:00:00Z");
  expect(formatTime(new Date(1))).toBe("1970-01-01T00:00:00.001Z");
  expect(formatTime(undefined)).toBe("-");
  expect([plural(0, "key"), plural(1, "key"), plural(2, "key")]).toEqual(["0 keys", "1 key", "2 keys"]);
});

test.each([
  ["0B6F5C7E-8B1C-4B0A-9C53-1F2E3D4C5B6A", "id", "0B6F5C7E-8B1C-4B0A-9C53-1F2E3D4C5B6A"],
  ["ada@example.com", "email", "ada@example.com"],
  ["ada", "username", "ada"],
  ["username:0b6f5c7e-8b1c-4b0a-9c53-1f2e3d4c5b6a", "username", "0b6f5c7e-8b1c-4b0a-9c53-1f2e3d4c5b6a"],
  ["email:id:x@example.com", "email", "id:x@example.com"],
  ["", "username", ""],
])("the argument %j means the %s %j", (argument, kind, value) => {
  expect(userReference(argument)).toEqual({ kind, value });
});

test("an id that is none is refused before the database is asked", () => {
  expect(() => userReference("id:1")).toThrow("the id of a user is a UUID");
});
