import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { auth, authJson, RunningCommand } from "../support/cli.ts";
import { grpcClients } from "../support/clients.ts";
import { temporaryFolder } from "../support/service.ts";
import { sharedService } from "../support/shared-service.ts";
import { type ForeignExport, firebaseParameters, foreignExports } from "./exports-of-others.ts";

interface Imported {
  readonly rows: number;
  readonly imported: number;
  readonly alreadyImported: number;
  readonly refused: number;
  readonly refusedRows: readonly {
    readonly line: number;
    readonly reason: string;
    readonly message: string;
  }[];
}

describe("users moved in and out on the command line, beside a service that runs", () => {
  const shared = sharedService();
  const run = (...args: string[]) => auth(args, shared.environment);
  const verify = (identifier: string, password: string) =>
    grpcClients(shared.running).authentication.verifyPassword({ identifier, password });
  const lookUp = async (name: string) => {
    const kind = name.includes("@") ? "email" : "username";
    const { users } = grpcClients(shared.running);
    return (await users.lookupUser({ identifier: { case: kind, value: name } })).user;
  };
  const folder = async () => {
    const temporary = await temporaryFolder();
    onTestFinished(() => temporary[Symbol.asyncDispose]());
    return temporary.path;
  };
  const written = async (name: string, text: string) => {
    const path = join(await folder(), name);
    await writeFile(path, text);
    return path;
  };
  const argumentsFor = async ({ format, text, options = [] }: ForeignExport) => {
    const path = await written(`export.${format}`, text);
    const parameters = await written("hash_config.txt", firebaseParameters);
    const ofFirebase = format === "firebase" ? ["--firebase-parameters", parameters] : [];
    return ["import", path, "--format", format, ...options, ...ofFirebase];
  };

  test.each(foreignExports)(
    "$format: who is in an export signs in with the password of old",
    async (given) => {
      const args = await argumentsFor(given);
      const rows = given.signIns.length + given.suspended.length + given.refused.length;
      const counts = { rows, imported: rows - given.refused.length, refused: given.refused.length };
      const refusedByReason: Record<string, number> = {};
      for (const [, reason] of given.refused) refusedByReason[reason] = (refusedByReason[reason] ?? 0) + 1;
      const dryRun = await run(...args, "--dry-run", "--json");
      expect(JSON.parse(dryRun.stdout)).toMatchObject(counts);
      await expect(lookUp(given.signIns[0]?.[0] ?? "")).rejects.toMatchObject({ code: 5 });

      const { code, stdout, stderr } = await run(...args, "--json");
      expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
      const said: Imported = JSON.parse(stdout);
      expect(said).toMatchObject({ ...counts, alreadyImported: 0, refusedByReason });
      const { notImported = {}, keptAs = {} } = given;
      expect(said).toMatchObject({ skipped: {}, notImported, keptAs });
      expect(said.refusedRows.map(({ line, reason }) => [line, reason])).toEqual(given.refused);
      for (const [identifier, password] of given.signIns) {
        expect((await verify(identifier, password)).user, identifier).toBeDefined();
        await expect(verify(identifier, `${password}!`), identifier).rejects.toThrow();
      }
      for (const name of given.suspended) expect((await lookUp(name))?.suspension, name).toBeDefined();
      for (const [name, fields] of Object.entries(given.found))
        expect(await lookUp(name)).toMatchObject(fields);
    },
  );

  test("the same command again imports no user twice and refuses the same rows", async () => {
    const path = await written("users.csv", "username\nagain-ada\nagain-ADA\n");
    const args = ["import", path, "--format", "csv", "--json"];
    const first = await run(...args);
    const report = JSON.parse(first.stdout);
    expect(report).toMatchObject({ imported: 1, alreadyImported: 0, refused: 1 });
    const again = await run(...args);
    expect({ ...again, stdout: JSON.parse(again.stdout) }).toEqual({
      ...first,
      stdout: { ...report, imported: 0, alreadyImported: 1 },
    });
  });

  test("for people: how many, which rows were refused, and all of those in a file", async () => {
    const hash = "$2a$12$o6hx.Wog/broken";
    const rows = Array.from({ length: 30 }, () => `{"user":{"username":"x"},"passwordHash":"${hash}"}`);
    const path = await written(
      "users.jsonl",
      [...rows, '{"user":{"username":"people-ada"}}', "{"].join("\n"),
    );
    const refused = join(await folder(), "refused.jsonl");
    const { code, stdout, stderr } = await run("import", path, "--refused", refused);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    const reasons = /\nREASON +ROWS\nPASSWORD_HASH_UNACCEPTABLE +30\nINVALID_REQUEST +1\n/;
    expect(stdout).toMatch(/^1 user imported, 31 rows refused\.\n/);
    expect(stdout).toMatch(reasons);
    expect(stdout).toMatch(/\nLINE +REASON +MESSAGE\n1 +PASSWORD_HASH_UNACCEPTABLE +/);
    expect(
      stdout.endsWith(`… and 11 more.\nAll refused rows are in ${refused}: repair and import it.\n`),
    ).toBe(true);
    expect(stdout).not.toContain("o6hx");
    const report = (await readFile(refused, "utf8")).trimEnd().split("\n");
    // Each row follows its reason, as it was.
    expect(report).toHaveLength(62);
    expect(report[1]).toBe(rows[0]);
    expect(JSON.parse(report.at(-2) ?? "")).toEqual({
      refused: { line: 32, reason: "INVALID_REQUEST", message: "row: is not valid JSON" },
    });
    expect(report.at(-1)).toBe("{");
    expect(report.filter((_, index) => index % 2 === 0).join("")).not.toContain("o6hx");
    expect((await stat(refused)).mode & 0o777).toBe(0o600);
    const again = await run("import", path);
    expect(again.stdout).toMatch(/^0 users imported, 1 imported before, 31 rows refused\.\n/);
    expect(again.stdout).toMatch(/… and 11 more; --refused FILE writes all of them\.\n$/);
    expect(await run("import", path, "--refused", refused)).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("exists already"),
    });
  });

  test("for people: what was skipped, not imported or kept as an attribute", async () => {
    const users = [
      { username: "kinds-ada", id: "f:1", enabled: true, groups: ["/a", "/b"], emailVerified: true },
      { username: "service-account-kinds", serviceAccountClientId: "kinds" },
    ];
    const path = await written("realm.json", JSON.stringify({ realm: "kinds", users }));
    expect(await run("import", path, "--format", "keycloak")).toEqual({
      code: 0,
      stdout: `1 user imported, 0 rows refused, 1 service account skipped.
Not imported with these users: 2 groups, 1 verified flag.
Ids and usernames that are not valid here are kept as attributes: keycloak_id (1).
`,
      stderr: "",
    });
  });

  test("export: everybody, a line each, for its owner's eyes, and never over another file", async () => {
    const path = join(await folder(), "users.jsonl");
    const { users } = await authJson<{ users: number }>(["export", path], shared.environment);
    const lines = (await readFile(path, "utf8")).trim().split("\n");
    expect(lines).toHaveLength(users);
    expect(
      lines.map((line) => JSON.parse(line)).every(({ passwordHash }) => passwordHash === undefined),
    ).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const again = await run("export", path);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("exists already") });
    const withHashes = join(await folder(), "hashes.jsonl");
    await run("export", withHashes, "--with-password-hashes");
    expect(await readFile(withHashes, "utf8")).toContain('"passwordHash":"$');
    const back = await run("import", withHashes, "--json");
    expect(JSON.parse(back.stdout)).toMatchObject({ rows: users, imported: 0, refused: users });
  });

  test.each<[string, string, string[], RegExp]>([
    ["no JSON", "hello", ["--format", "keycloak"], /broken: line 1: is not JSON of the expected format/],
    ["an object without users", '\n{"id":"x"}', ["--format", "keycloak"], /broken: line 2: has no "users"/],
    ["CSV with two columns of a name", "username,username\na,b\n", ["--format", "csv"], /both "username"/],
    ["Firebase without parameters", "{}", ["--format", "firebase"], /--firebase-parameters is required/],
  ])("%s is not imported, with the reason", async (_, text, options, reason) => {
    const result = await run("import", await written("broken", text), ...options);
    expect(result.code).toBe(options.includes("firebase") ? 2 : 1);
    expect(result).toMatchObject({ stdout: "", stderr: expect.stringMatching(reason) });
  });

  test("a file that does not exist is an error", async () => {
    const { code, stderr } = await run("import", "/nowhere/users.json");
    expect(code).toBe(1);
    expect(stderr).toMatch(/\/nowhere\/users\.json: cannot be read: no such file or directory/);
  });

  test("the same command finishes an import that was killed, and imports no user twice", async () => {
    const path = join(await folder(), "many.jsonl");
    const file = createWriteStream(path);
    for (let n = 0; n < 12_000; n++) file.write(`{"user":{"username":"many-${n}"}}\n`);
    file.end();
    await once(file, "close");
    const killed = new RunningCommand(["import", path], shared.environment);
    await expect.poll(() => lookUp("many-499").catch(() => undefined), { timeout: 20_000 }).toBeDefined();
    killed.child.kill("SIGKILL");
    await killed.done;
    const said = await authJson<Imported>(["import", path], shared.environment);
    expect(said).toMatchObject({ rows: 12_000, refused: 0, refusedRows: [] });
    expect(said.alreadyImported).toBeGreaterThanOrEqual(500);
    expect(said.imported + said.alreadyImported).toBe(12_000);
    expect(await lookUp("many-11999")).toBeDefined();
  }, 60_000);
});
