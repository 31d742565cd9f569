import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { auth } from "../support/cli.ts";
import { grpcClients } from "../support/clients.ts";
import { temporaryFolder } from "../support/service.ts";
import { sharedService } from "../support/shared-service.ts";

/** Files that systems and spreadsheets write, and what becomes of them. They are in the folder import-cases. */
interface Case {
  readonly file: string;
  readonly options: readonly string[];
  readonly imported: number;
  readonly refused?: readonly (readonly [line: number, reason: string, message: RegExp])[];
  readonly skipped?: Readonly<Record<string, number>>;
  /** Usernames and emails of the imported users, and what is found. */
  readonly found: Readonly<Record<string, object>>;
}

const invalid = "INVALID_REQUEST";
const csv = ["--format", "csv"];
const keycloak = ["--format", "keycloak", "--with-attributes"];
const surrogate = /half a surrogate pair/;

const cases: readonly Case[] = [
  {
    file: "unquoted-argon2.csv",
    options: csv,
    imported: 2,
    refused: [[3, invalid, /has 5 fields, the header has 3/]],
    found: { "c1a@example.com": { displayName: "Ann" }, "c1c@example.com": { displayName: "Cy" } },
  },
  {
    file: "stray-quote.csv",
    options: csv,
    imported: 1,
    refused: [[2, invalid, /quote/]],
    found: { "d5b@example.com": { displayName: "N" } },
  },
  {
    file: "short-row.csv",
    options: csv,
    imported: 1,
    refused: [[3, invalid, /has 1 field, the header has 3/]],
    found: { "d6a@example.com": { displayName: "N" } },
  },
  {
    file: "open-quote.csv",
    options: csv,
    imported: 1,
    refused: [[2, invalid, /quote/]],
    found: { "d4b@example.com": { displayName: "N" } },
  },
  {
    file: "latin-1.csv",
    options: csv,
    imported: 0,
    refused: [
      [2, invalid, /not UTF-8 at byte 36, looks like Latin-1/],
      [3, invalid, /not UTF-8 at byte 65, looks like Latin-1/],
    ],
    found: {},
  },
  {
    file: "times.csv",
    options: csv,
    imported: 0,
    refused: [2, 3, 4].map((line) => [line, invalid, /create_time/] as const),
    found: {},
  },
  { file: "local-time.csv", options: csv, imported: 0, refused: [[2, invalid, /offset/]], found: {} },
  {
    file: "keycloak-half-emoji.json",
    options: keycloak,
    imported: 1,
    refused: [
      [1, invalid, surrogate],
      [1, invalid, surrogate],
    ],
    found: { "ls-kc3": { displayName: "ok" } },
  },
  {
    file: "keycloak-nul.json",
    options: keycloak,
    imported: 1,
    refused: [[1, invalid, /U\+0000/]],
    found: { nulkc0: {} },
  },
  {
    file: "auth0-half-emoji.ndjson",
    options: ["--format", "auth0", "--with-attributes"],
    imported: 0,
    refused: [[1, invalid, surrogate]],
    found: {},
  },
  {
    file: "keycloak-flags.json",
    options: keycloak,
    imported: 2,
    skipped: { "service accounts": 1 },
    found: {
      "text-false": { suspension: expect.anything() },
      "no-flag": { suspension: expect.anything() },
    },
  },
  {
    file: "keycloak-array-of-realms.json",
    options: keycloak,
    imported: 2,
    found: { "kc8a@example.com": { username: "kc8a" }, kc8b: {} },
  },
  {
    file: "kratos-list.json",
    options: ["--format", "kratos"],
    imported: 1,
    found: { "kr10@example.com": { id: "9f425a8d-7efc-4768-8f23-7647a74fd001" } },
  },
  {
    file: "line-separator.jsonl",
    options: [],
    imported: 1,
    found: { "ls@example.com": { displayName: "Ada\u2028Lovelace" } },
  },
];

describe("import of a file that another system or a spreadsheet has written", () => {
  const shared = sharedService();
  const path = (name: string) => join(import.meta.dirname, "import-cases", name);
  const lookUp = async (name: string) => {
    const identifier = { case: name.includes("@") ? "email" : "username", value: name } as const;
    return (await grpcClients(shared.running).users.lookupUser({ identifier })).user;
  };

  test.each(cases)("$file", async ({ file, options, imported, refused = [], skipped = {}, found }) => {
    const args = ["import", path(file), ...options, "--json"];
    const environment = { ...shared.environment, TZ: "America/New_York" };
    const expected = { imported, refused: refused.length, skipped };
    const dryRun = await auth([...args, "--dry-run"], environment);
    expect(JSON.parse(dryRun.stdout)).toMatchObject(expected);
    const { code, stdout, stderr } = await auth(args, environment);
    expect({ code, stderr }).toEqual({ code: imported === 0 || refused.length > 0 ? 1 : 0, stderr: "" });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject(expected);
    expect(report.refusedRows).toEqual(
      refused.map(([line, reason, message]) => ({ line, reason, message: expect.stringMatching(message) })),
    );
    expect(JSON.parse(dryRun.stdout).refusedRows).toEqual(report.refusedRows);
    for (const [name, fields] of Object.entries(found)) expect(await lookUp(name)).toMatchObject(fields);
  });

  const folder = async () => {
    const temporary = await temporaryFolder();
    onTestFinished(() => temporary[Symbol.asyncDispose]());
    return temporary.path;
  };
  const written = async (name: string, content: string | Uint8Array) => {
    const file = join(await folder(), name);
    await writeFile(file, content);
    return file;
  };
  const importJson = async (args: readonly string[], stdin: string | Uint8Array = "") => {
    const { code, stdout, stderr } = await auth(["import", ...args, "--json"], shared.environment, stdin);
    return { code, stderr, report: stdout === "" ? undefined : JSON.parse(stdout) };
  };

  test("a repaired file is imported again, and users that it has imported are not refused", async () => {
    const rows = Array.from({ length: 1_200 }, (_, n) => `repaired-${n},Name ${n}`);
    const lines = (repaired: boolean) =>
      [
        "username,display_name",
        ...rows.map((row, n) => (n === 700 && !repaired ? `${row},"x` : row)),
        "",
      ].join("\n");
    const broken = await importJson([await written("users.csv", lines(false)), ...csv]);
    expect(broken).toMatchObject({ code: 1, report: { rows: 1_200, imported: 1_199, refused: 1 } });
    const whole = { rows: 1_200, imported: 1, alreadyImported: 1_199, refused: 0 };
    expect(await importJson([await written("repaired.csv", lines(true)), ...csv])).toMatchObject({
      code: 0,
      report: whole,
    });
    // Other rows in front of them move them to other batches.
    const longer = lines(true).replace("\n", "\nrepaired-first,\nrepaired-second,\n");
    expect(await importJson([await written("longer.csv", longer), ...csv])).toMatchObject({
      code: 0,
      report: { imported: 2, alreadyImported: 1_200, refused: 0 },
    });
    const edited = lines(true).replace("repaired-5,Name 5\n", "repaired-5,Somebody else\n");
    const again = await importJson([await written("edited.csv", edited), ...csv]);
    expect(again).toMatchObject({ code: 1, report: { imported: 0, alreadyImported: 1_199, refused: 1 } });
    expect(again.report.refusedRows).toMatchObject([{ line: 7, reason: "USERNAME_TAKEN" }]);
  });

  test.each([
    ["csv", "username,display_name\n", ["refused-a,A,x", 'refused-b,"B', "refused-c,C"]],
    [
      "json",
      "",
      [
        '{"user":{"username":"refused-d","displayName":7}}',
        '{"user":{"username":"refused-e"}',
        '{"user":{"username":"refused-f"}}',
      ],
    ],
    [
      "keycloak",
      "",
      ['[{"username":"refused-g","enabled":"maybe"},{"username":"refused-h","enabled":true}]'],
    ],
  ])(
    "refused rows of %s are written with line and reason, repaired, and imported",
    async (format, header, rows) => {
      const refused = join(await folder(), "refused");
      const file = await written("users", `${header}${rows.join("\n")}\n`);
      const first = await importJson([file, "--format", format, "--refused", refused]);
      expect(first).toMatchObject({ code: 1, report: { imported: 1 } });
      const text = await readFile(refused, "utf8");
      expect(text).toContain("INVALID_REQUEST");
      for (const { line } of first.report.refusedRows) expect(text).toMatch(new RegExp(`(^|:)${line},`, "m"));
      const repaired = text
        .replace(/,x$/m, "")
        .replace(/"B$/m, "B")
        .replace(/"displayName":7/, '"displayName":"7"')
        .replace(/"refused-e"\}$/m, '"refused-e"}}')
        .replace('"maybe"', "false");
      const second = await importJson([await written("repaired", repaired), "--format", format]);
      expect(second).toMatchObject({ code: 0, report: { imported: first.report.refused, refused: 0 } });
    },
  );

  test("a file without refused rows leaves no report of them", async () => {
    const refused = join(await folder(), "refused");
    const file = await written("users.csv", "username\nnot-refused\n");
    expect(await importJson([file, ...csv, "--refused", refused])).toMatchObject({ code: 0 });
    await expect(access(refused)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test.each([
    ["-", (text: string) => Buffer.from(text)],
    ["/dev/stdin", (text: string) => Buffer.from(text)],
    ["-", (text: string) => gzipSync(text)],
  ])("%s is read once, compressed or not", async (name, encode) => {
    const username = `stdin-${name.length}-${encode("x").length}`;
    const stdin = encode(`${JSON.stringify({ username, email: `${username}@example.com` })}\n`);
    const result = await importJson([name, "--format", "auth0"], stdin);
    expect(result).toMatchObject({ code: 0, report: { imported: 1 } });
    expect(await lookUp(username)).toMatchObject({ username });
  });

  test.each([
    ["an empty file", "", "json"],
    ["a CSV header alone", "username\n", "csv"],
    ["a realm without users", '{"realm":"x","users":[]}', "keycloak"],
    ["a realm that was exported without its users", '{"realm":"x"}', "keycloak"],
    ["an empty array", "[]", "kratos"],
    [
      "a file of service accounts",
      '[{"username":"service-account-x","serviceAccountClientId":"x"}]',
      "keycloak",
    ],
  ])("%s is not a success", async (_, text, format) => {
    for (const options of [[], ["--dry-run"]]) {
      const { code, stderr, report } = await importJson([
        await written("x", text),
        "--format",
        format,
        ...options,
      ]);
      expect(code).toBe(1);
      if (report === undefined) expect(JSON.parse(stderr).error.message).toMatch(/has no (users|"users")$/);
      else expect(report).toMatchObject({ imported: 0, skipped: { "service accounts": 1 } });
    }
  });

  test("what was imported is reported if the rest of the file is unreadable", async () => {
    const users = [1, 2].map((n) => `{"username":"cut-${n}","enabled":true}`).join(",");
    const file = await written("realm.json", `{"realm":"x","users":[${users},{"usern`);
    const { code, report, stderr } = await importJson([file, "--format", "keycloak"]);
    expect({ code, report }).toMatchObject({ code: 1, report: { imported: 2, refused: 0 } });
    expect(JSON.parse(stderr)).toMatchObject({ error: { message: expect.stringMatching(/cut off/) } });
    const text = await auth(["import", file, "--format", "keycloak"], shared.environment);
    expect(text.stdout).toBe("0 users imported, 2 imported before, 0 rows refused.\n");
    expect(text.stderr).toMatch(/cut off/);
  });
});
