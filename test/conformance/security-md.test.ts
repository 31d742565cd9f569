import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describeSettings } from "../../src/config/settings.ts";
import { faultOf } from "./named-tests.ts";

const text = readFileSync(join(import.meta.dirname, "../../SECURITY.md"), "utf8");

/** The cells of the rows of all tables. */
const rows = text
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) =>
    line
      .slice(2, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );

describe("SECURITY.md", () => {
  const named = [...text.matchAll(/\]\(([^)#]+)\)(?: "([^"]+)")?/g)].map(([, file = "", name]) => ({
    file,
    name,
  }));

  test.each(named)("names $file $name, which is there", ({ file, name }) => {
    expect(faultOf(file, name)).toBeUndefined();
  });

  test("says of every class of defects which test covers it, or that none does", () => {
    const classes = rows.filter(([id = ""]) => /^A\d+$/.test(id));
    expect(classes.map(([id]) => id)).toEqual(Array.from({ length: 22 }, (_, index) => `A${index + 1}`));
    for (const [id, , covered = ""] of classes) {
      expect(covered, id).toMatch(/^(\[|not applicable yet: |in part: )/);
    }
  });

  test("shows defaults as they are", () => {
    const shown = rows.filter(([name = ""]) => /^`AUTH_\w+`$/.test(name));
    expect(shown.length).toBeGreaterThan(15);
    const table = describeSettings()
      .split("\n")
      .map((line) => line.slice(2).split(" | ").slice(0, 2).join(" | "));
    for (const [name, value] of shown) expect(table).toContain(`${name} | ${value}`);
  });
});

test("a test that is not there is missed", () => {
  expect(faultOf("test/nowhere.test.ts", undefined)).toBe("test/nowhere.test.ts is not there");
  expect(
    faultOf("test/conformance/security-md.test.ts", "a test that is not there is missed"),
  ).toBeUndefined();
  const other = ["a test that", "is there"].join(" ");
  expect(faultOf("test/conformance/security-md.test.ts", other)).toContain("has no test");
});
