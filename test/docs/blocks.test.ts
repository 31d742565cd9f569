import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Policy } from "../../src/domain/caller/policy.ts";
import { methodName } from "../../src/interfaces/rpc/permissions.ts";
import { permissionsOfMethods } from "../../src/interfaces/rpc/routes.ts";
import { freeAddresses } from "../support/free-addresses.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { environmentOf, type RunningService, startService } from "../support/service.ts";
import { shell } from "../support/shell.ts";
import { testWith } from "../support/tools.ts";
import { expectedOutputs } from "./expected-outputs.ts";
import { type Block, parsePage } from "./markdown.ts";
import { readPages } from "./tree.ts";

/** Languages of blocks that are not programs. */
const inert = new Set(["mermaid", "text"]);
const pages = readPages();
const runnable = ({ language, notRun }: Block) => notRun === undefined && !inert.has(language);

let database: TestDatabase;
let service: RunningService;
const folder = mkdtempSync(join(tmpdir(), "auth-docs-"));

beforeAll(async () => {
  database = await createTestDatabase();
  const [httpAddress = ""] = await freeAddresses(1);
  service = await startService({
    DATABASE_URL: database.uri,
    AUTH_MIGRATE: "auto",
    AUTH_HTTP_ADDRESS: httpAddress,
    AUTH_ISSUER: `http://${httpAddress}`,
  });
});

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

for (const { file, blocks } of pages.filter((page) => page.blocks.some(runnable))) {
  describe(`the code blocks of ${file}, one after another`, () => {
    const state = join(folder, file.replaceAll("/", "_"));
    const expected = expectedOutputs[file] ?? [];
    const run = blocks.filter(runnable);

    test("each have an expected output", () => {
      expect(expected).toHaveLength(run.length);
    });

    for (const [index, block] of run.entries()) {
      const name = `line ${block.line} (${block.language}) works as it is printed`;
      testWith(toolOf(block), name, () => runBlock(block, state, expected[index] ?? []), 120_000);
    }
  });
}

test.each<[string, string, string, string[]]>([
  ["fails", "sh", "exit 3", []],
  ["writes to standard error", "sh", "echo problem >&2", []],
  ["prints something else", "sh", "echo yes", ["no"]],
  ["throws", "ts", 'throw new Error("problem")', []],
  ["has a statement that fails", "sql", "select * from nowhere", []],
  ["is not a valid policy", "json", '{ "callers": [{ "caller": "x", "roles": ["nothing"] }] }', []],
  ["has a language that no test runs", "cobol", "", []],
])("a block that %s is found", async (_name, language, text, outputs) => {
  const block = { line: 1, language, text, notRun: undefined };
  await expect(runBlock(block, join(folder, "seeded"), outputs)).rejects.toThrow();
});

test("a block is left out only for a reason", () => {
  const blocks = (comment: string) => parsePage("x.md", `${comment}\n\`\`\`sh\nfalse\n\`\`\`\n`).blocks;
  expect(blocks("<!-- not run: needs Docker -->").filter(runnable)).toEqual([]);
  expect(blocks("<!-- not run: -->").filter(runnable)).toHaveLength(1);
  expect(blocks("<!-- not run -->").filter(runnable)).toHaveLength(1);
});

test("README.md has the two commands that CI runs", () => {
  const commands = pages.find(({ file }) => file === "README.md")?.blocks.map(({ text }) => text);
  expect(commands).toContain("npm ci && npm start\n");
  expect(commands).toContain("npm ci && npm test\n");
});

function toolOf({ text }: Block): string {
  return /\b(grpcurl|curl|openssl)\b/.exec(text)?.[0] ?? "sh";
}

async function runBlock(
  { language, text }: Block,
  state: string,
  outputs: readonly (string | RegExp)[],
): Promise<void> {
  if (language === "sql") return runSql(text);
  if (language === "json") return readPolicy(text);
  const { code, stdout, stderr } = await runScript(language, text, state);
  // `auth service-account key create` shows the key on standard output, and its name on standard error.
  expect({ code, stderr: stderr.replace(/^key \S+ \(shown only once\):\n/, "") }).toEqual({
    code: 0,
    stderr: "",
  });
  for (const output of outputs) expect(stdout).toMatch(output);
}

/** Runs a script as in the reader's terminal: the variables of the blocks before it are set. */
function runScript(language: string, text: string, state: string) {
  // The service of the test listens on other ports; nothing else of a block is changed.
  const script = text
    .replaceAll("127.0.0.1:50051", service.grpcAddress)
    .replaceAll("127.0.0.1:8080", new URL(service.httpUrl).host);
  const before = `if [ -e '${state}' ]; then . '${state}'; fi\n`;
  const environment = environmentOf({ DATABASE_URL: database.uri });
  if (language === "sh") return shell(`${before}set -a\n${script}\nexport -p > '${state}'`, environment);
  if (language !== "ts") throw new Error(`no test runs blocks of the language "${language}"`);
  const node = `exec scripts/node --input-type=module-typescript -e "$SCRIPT"`;
  return shell(`${before}${node}`, { ...environment, SCRIPT: script });
}

/** Runs statements on the migrated database, with the roles that they name, and rolls them back. */
async function runSql(text: string): Promise<void> {
  const client = new Client({ connectionString: database.uri });
  await client.connect();
  try {
    await client.query("begin");
    for (const role of new Set(text.match(/\bauth_\w+/g))) {
      await client.query(
        `do $$ begin if to_regrole('${role}') is null then create role ${role}; end if; end $$`,
      );
    }
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** JSON blocks are policies. */
function readPolicy(text: string): void {
  const methods = new Set([...permissionsOfMethods.keys()].map(methodName));
  Policy.parse(JSON.parse(text), { methods });
}
