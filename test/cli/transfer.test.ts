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
  readonly refused: number;
  readonly refusedRows: readonly {
    readonly row: number;
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
      const dryRun = await run(...args, "--dry-run", "--json");
      expect(JSON.parse(dryRun.stdout)).toMatchObject(counts);
      await expect(lookUp(given.signIns[0]?.[0] ?? "")).rejects.toMatchObject({ code: 5 });

      const { code, stdout, stderr } = await run(...args, "--json");
      expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
      const said: Imported = JSON.parse(stdout);
      expect(said).toMatchObject(counts);
      expect(said.refusedRows.map(({ row, reason }) => [row, reason])).toEqual(given.refused);
      for (const [identifier, password] of given.signIns) {
        expect((await verify(identifier, password)).user, identifier).toBeDefined();
        await expect(verify(identifier, `${password}!`), identifier).rejects.toThrow();
      }
      for (const name of given.suspended) expect((await lookUp(name))?.suspension, name).toBeDefined();
      for (const [name, fields] of Object.entries(given.found))
        expect(await lookUp(name)).toMatchObject(fields);
    },
  );

  test("the same command again answers the same and imports nobody twice; another request id is another import", async () => {
    const path = await written("users.csv", "username\nagain-ada\nagain-ADA\n");
    const args = ["import", path, "--format", "csv", "--json"];
    const first = await run(...args);
    expect(JSON.parse(first.stdout)).toMatchObject({ imported: 1, refused: 1 });
    expect(await run(...args)).toEqual(first);
    const other = await run(...args, "--request-id", "0b6f6c1e-8f5b-4c1a-9a55-0d6c3a6f7a10");
    expect(JSON.parse(other.stdout)).toMatchObject({ imported: 0, refused: 2 });
  });

  test("a file that was repaired is imported by the same command: rows that were imported before are done", async () => {
    const broken = await written("users.csv", "username\nrepaired-ada\nb r o k e n\nrepaired-grace\n");
    const first = await run("import", broken, "--format", "csv", "--json");
    expect(JSON.parse(first.stdout)).toMatchObject({ imported: 2, refused: 1 });
    const repaired = await written("users.csv", "username\nrepaired-eve\nrepaired-grace\nrepaired-ada\n");
    const second = await run("import", repaired, "--format", "csv", "--json");
    expect(JSON.parse(second.stdout)).toMatchObject({ rows: 3, refused: 0 });
    expect(await lookUp("repaired-eve")).toBeDefined();
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
    expect(stdout).toMatch(
      /^1 user imported, 31 rows refused\.\n\nROW +REASON\n1 +PASSWORD_HASH_UNACCEPTABLE +/,
    );
    expect(stdout).toMatch(/… and 11 more: --refused FILE has them all\.\n$/);
    const report = (await readFile(refused, "utf8")).trim().split("\n");
    expect(report).toHaveLength(31);
    expect(JSON.parse(report.at(-1) ?? "")).toEqual({
      row: 32,
      reason: "INVALID_REQUEST",
      message: "the row: is not valid JSON",
    });
    expect(stdout + report.join("")).not.toContain("o6hx");
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
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("it is there already") });
    const withHashes = join(await folder(), "hashes.jsonl");
    await run("export", withHashes, "--with-password-hashes");
    expect(await readFile(withHashes, "utf8")).toContain('"passwordHash":"$');
    const back = await run("import", withHashes, "--json");
    expect(JSON.parse(back.stdout)).toMatchObject({ rows: users, imported: 0, refused: users });
  });

  test.each<[string, string, string[], RegExp]>([
    ["no JSON", "hello", ["--format", "keycloak"], /line 1: is not JSON of the expected format/],
    [
      "a realm that is cut off",
      '{"users":[{"username":"cut-ada"},{"use',
      ["--format", "keycloak"],
      /is cut off at line 1/,
    ],
    [
      "CSV with two columns of a name",
      "username,username\na,b\n",
      ["--format", "csv"],
      /names columns 1 and 2/,
    ],
    ["Firebase without parameters", "{}", ["--format", "firebase"], /--firebase-parameters is required/],
  ])("says so of %s", async (_, text, options, sentence) => {
    const { code, stderr } = await run("import", await written("broken", text), ...options);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(sentence);
    expect((await run("import", "/nowhere/users.json")).stderr).toMatch(/cannot be read: no such file/);
  });

  test("an import that is killed is finished by the same command, nobody twice", async () => {
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
    expect(said).toEqual({ rows: 12_000, imported: 12_000, refused: 0, refusedRows: [] });
    expect(await lookUp("many-11999")).toBeDefined();
  }, 60_000);
});
