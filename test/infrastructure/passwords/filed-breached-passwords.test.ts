import { createHash } from "node:crypto";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BreachedPasswordFile } from "../../../src/infrastructure/passwords/filed-breached-passwords.ts";
import { openBreachedPasswords } from "../../../src/infrastructure/passwords/open-breached-passwords.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";
import { temporaryFolder } from "../../support/service.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const digestOf = (password: string) => createHash("sha1").update(password).digest("hex").toUpperCase();
const passwords = (count: number) => Array.from({ length: count }, (_, i) => `breached password ${i}`);
const linesOf = (known: readonly string[], count = (i: number) => (i % 90_000) + 1) =>
  known
    .map(digestOf)
    .sort()
    .map((digest, i) => `${digest}:${count(i)}`);

let files = 0;
async function fileOf(content: string): Promise<string> {
  const path = join(folder.path, `breaches-${files++}.txt`);
  await writeFile(path, content);
  return path;
}

describe("a file of breached passwords", () => {
  test.each([
    ["one line", 1, "\n", true],
    ["one line without an end", 1, "\n", false],
    ["two lines", 2, "\r\n", true],
    ["11 lines", 11, "\n", true],
    ["12 lines without an end", 12, "\r\n", false],
    ["1,000 lines", 1_000, "\r\n", true],
    ["1,000 lines without an end", 1_000, "\n", false],
  ])("of %s has every password that is in it, and no other", async (_, count, end, ended) => {
    const known = passwords(count);
    await using file = await BreachedPasswordFile.open(
      await fileOf(linesOf(known).join(end) + (ended ? end : "")),
    );
    for (const password of known) expect(await file.has(aCall(), password)).toBe(true);
    for (let i = 0; i < 100; i++) expect(await file.has(aCall(), `another password ${i}`)).toBe(false);
  });

  test("does not have what was seen no times, and has digests in small letters", async () => {
    const known = passwords(50);
    await using never = await BreachedPasswordFile.open(await fileOf(linesOf(known, () => 0).join("\n")));
    await using small = await BreachedPasswordFile.open(
      await fileOf(linesOf(known).join("\n").toLowerCase()),
    );
    for (const password of known) {
      expect(await never.has(aCall(), password)).toBe(false);
      expect(await small.has(aCall(), password)).toBe(true);
    }
  });

  test("is looked through in a few reads, however large: 15 MB, and nothing of it is kept", async () => {
    const path = await fileOf(`${linesOf(passwords(300_000)).join("\r\n")}\r\n`);
    const start = performance.now();
    await using file = await BreachedPasswordFile.open(path);
    const opened = performance.now() - start;
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 300_000; i += 1_000) {
      expect(await file.has(aCall(), `breached password ${i}`)).toBe(true);
    }
    const each = (performance.now() - start - opened) / 300;
    expect(opened).toBeLessThan(2_000);
    expect(each).toBeLessThan(50);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });

  test("is asked by many at once", async () => {
    const known = passwords(1_000);
    await using file = await BreachedPasswordFile.open(await fileOf(linesOf(known).join("\n")));
    expect(new Set(await Promise.all(known.map((password) => file.has(aCall(), password))))).toEqual(
      new Set([true]),
    );
  });

  test("fails where it is damaged after it was opened, and says nothing of the password", async () => {
    const path = await fileOf(linesOf(passwords(1_000)).join("\n"));
    await using file = await BreachedPasswordFile.open(path);
    await using damage = await open(path, "r+");
    await damage.write("x".repeat(40_000), 0);
    const error: Error = await file.has(aCall(), "breached password 1").catch((reason) => reason);
    expect(error.message).toMatch(
      /^malformed line at byte \d+; expected 40 hex digits, a colon and a count$/,
    );
    expect(error.stack).not.toContain(digestOf("breached password 1"));
  });

  test("is not looked through for a call that has been given up", async () => {
    await using file = await BreachedPasswordFile.open(await fileOf(linesOf(passwords(100)).join("\n")));
    const { call, cancel } = aCancellableCall();
    cancel(new Error("the call was cancelled"));
    await expect(file.has(call, "breached password 1")).rejects.toThrow("the call was cancelled");
  });
});

describe("a file that cannot be used is refused:", () => {
  const sorted = linesOf(passwords(3_000));
  const swapped = [...sorted.slice(0, 1_500), ...sorted.slice(1_500).reverse()];
  test.each([
    ["one that is empty", "", "the file is empty"],
    ["one that is not sorted", [...sorted].reverse().join("\n"), "the file is not sorted by digest"],
    ["one of which half is not sorted", swapped.join("\n"), "the file is not sorted by digest"],
    [
      "one with two lines in the wrong order",
      sorted.slice(0, 2).reverse().join("\n"),
      "the file is not sorted by digest",
    ],
    [
      "one with passwords",
      "hunter2\npassword\n",
      "malformed line at byte 0; expected 40 hex digits, a colon and a count",
    ],
    ["one of digests alone", linesOf(passwords(1))[0]?.slice(0, 40) ?? "", "malformed line at byte"],
    ["one that is not text", "\0".repeat(100_000), "malformed line at byte"],
    ["one that ends in something else", `${sorted.join("\n")}\nsorry`, "malformed line at byte"],
  ])("%s", async (_, content, sentence) => {
    const path = await fileOf(content);
    await expect(openBreachedPasswords({ file: path })).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringContaining(`cannot use ${path} (AUTH_BREACH_CHECK_FILE): ${sentence}`),
    });
  });

  test("one that is not there, and a folder", async () => {
    for (const [path, sentence] of [
      ["/nowhere/breaches.txt", "no such file"],
      [folder.path, "not a regular file"],
    ] as const) {
      await expect(openBreachedPasswords({ file: path })).rejects.toThrow(
        `cannot use ${path} (AUTH_BREACH_CHECK_FILE): ${sentence}`,
      );
    }
  });
});
