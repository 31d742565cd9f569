import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { describeSettings } from "../../src/config/settings.ts";
import { builtInRoles } from "../../src/domain/caller/permission.ts";
import { permissionsOfMethods } from "../../src/interfaces/rpc/routes.ts";
import { differences, tableRows } from "./api-tables.ts";
import { foreignNames } from "./foreign-names.ts";
import { brokenLinks } from "./links.ts";
import { indentedCode, type Page, parsePage } from "./markdown.ts";
import { missingNames } from "./names.ts";
import { readPages, readTree, type Tree } from "./tree.ts";

const pages = new Map(readPages().map((page) => [page.file, page]));
const tree = readTree();
const each = [...pages.values()];
const methods = [...permissionsOfMethods];

/** A Markdown page that is not in the tree, for seeded errors. */
const pageOf = (source: string): Page => parsePage("docs/seeded.md", source);

function pageAt(file: string): Page {
  return pages.get(file) ?? expect.fail(`${file} does not exist`);
}

describe("names in the documents", () => {
  test.each(each)("of $file exist in the tree", (page) => {
    expect(missingNames(page, tree)).toEqual([]);
  });

  test.each([
    ["a setting", "Set AUTH_NOWHERE=1.", "unknown setting AUTH_NOWHERE"],
    ["a setting in a block", "```sh\nexport AUTH_NOWHERE=1\n```", "unknown setting AUTH_NOWHERE"],
    ["an npm script", "Run `npm run nothing`.", "unknown npm script nothing"],
    ["a file", "See `test/e2e/nowhere.test.ts`.", "unknown file or folder test/e2e/nowhere.test.ts"],
    ["a folder", "See `src/nowhere/`.", "unknown file or folder src/nowhere/"],
    ["a file in plain text", "See (../elsewhere/facts.md).", "unknown file ../elsewhere/facts.md"],
    ["a file in other letters", "See security.md.", "unknown file security.md"],
    ["a symbol", "`AuthenticationServices` does it.", "unknown symbol AuthenticationServices"],
    [
      "a method of another class",
      "`AuthenticationService.listUsers` does it.",
      "unknown symbol AuthenticationService.listUsers",
    ],
    ["a command", "Run `auth user destroy NAME`.", "unknown command auth user destroy NAME"],
    [
      "a symbol that still exists",
      "`DomainError` (removed) was an error.",
      "marked as removed, but exists: DomainError",
    ],
  ])("that do not exist are found: %s", (_name, source, fault) => {
    expect(missingNames(pageOf(source), tree)).toEqual([expect.stringContaining(`: ${fault}`)]);
  });

  test.each([
    ["parts of paths", "`domain/errors.ts`, `e2e/jwks`, `src/domain/user/`, `test/support/in-memory-*.ts`"],
    ["symbols", "`DomainError`, `User.fromRow`, `auth.v1.UserService/GetUser`, `users.get`"],
    ["commands", "`auth user create --email X`, `auth keys …`, `auth help`"],
    ["names that were removed", "`FormerClass` (removed) did this, in `src/former.ts` (removed)."],
    ["settings and scripts", "`AUTH_TLS=on npm start`, `npm test -- test/domain`, `npm run bench`"],
  ])("that exist are accepted: %s", (_name, source) => {
    expect(missingNames(pageOf(source), tree)).toEqual([]);
  });
});

test("every foreign name is on a page, and not in the tree", () => {
  const spans = new Set(each.flatMap((page) => page.spans.map(({ text }) => text)));
  expect([...foreignNames].filter((name) => !spans.has(name) || tree.words.has(name))).toEqual([]);
});

describe("links of the documents", () => {
  test.each(each)("of $file lead to files and headings that exist", (page) => {
    expect(brokenLinks(page, pages, tree.paths)).toEqual([]);
  });

  test("that lead nowhere are found", () => {
    const seeded = pageOf("# Here\n[a](nowhere.md) [b](api.md#nowhere) [c](#nowhere) [d](#here) [e](../src)");
    expect(brokenLinks(seeded, new Map([...pages, [seeded.file, seeded]]), pathsWith(tree, seeded))).toEqual([
      "docs/seeded.md:2: unknown file or folder nowhere.md",
      "docs/seeded.md:2: unknown heading api.md#nowhere",
      "docs/seeded.md:2: unknown heading #nowhere",
    ]);
  });
});

test("documents that the code cites exist", () => {
  const cited = (source: string) => source.match(/(?<![\w./-])docs\/[\w/.-]*\w/g) ?? [];
  const missing = (source: string) =>
    cited(source).filter((document) => ![...tree.paths].some((path) => path.startsWith(document)));
  expect([...tree.sources.values()].flatMap(missing)).toEqual([]);
  expect(missing("see docs/nowhere.md")).toEqual(["docs/nowhere.md"]);
});

describe("code blocks of the documents", () => {
  test.each(each)("of $file are fenced and have a language", (page) => {
    expect(indentedCode(page)).toEqual([]);
    expect(page.blocks.filter(({ language }) => language === "")).toEqual([]);
  });

  test("that are indented are found", () => {
    expect(indentedCode(pageOf("Run\n\n    npm test\n\n- a list\n    goes on\n"))).toEqual([
      { line: 3, text: "    npm test" },
    ]);
  });
});

describe("tables of the documents", () => {
  const services = [...new Set(methods.map(([{ parent }]) => parent.name))];

  test("README.md names every service once", () => {
    const named = tableRows(pageAt("README.md"), "API").map(
      ([cell = ""]) => /^\[(\w+)\]/.exec(cell)?.[1] ?? cell,
    );
    expect(differences(named, services)).toEqual([]);
  });

  test("docs/api.md names every method once, with its permission", () => {
    const documented = tableRows(pageAt("docs/api.md"), "Methods and permissions").map((row) =>
      row.join(" | "),
    );
    const actual = methods.map(
      ([{ parent, name }, permission]) => `${parent.name} | ${name} | \`${permission}\``,
    );
    expect(differences(documented, actual)).toEqual([]);
  });

  test("docs/callers.md names every built-in role once", () => {
    const roles = tableRows(pageAt("docs/callers.md"), "Permissions and roles").map(([role = ""]) => role);
    expect(
      differences(
        roles,
        Object.keys(builtInRoles).map((role) => `\`${role}\``),
      ),
    ).toEqual([]);
  });

  test("ARCHITECTURE.md names every folder of src and of its layers, and every folder of test", () => {
    const named = pageAt("ARCHITECTURE.md").spans.map(({ text }) => text);
    expect(unnamedFolders(named, tree.paths)).toEqual([]);
    expect(unnamedFolders(named, new Set([...tree.paths, "src/domain/new/x.ts"]))).toEqual([
      "src/domain/new",
    ]);
  });

  test("docs/configuration.md shows every setting as `--help` prints it", () => {
    const table = pageAt("docs/configuration.md").prose.map(({ text }) => text);
    expect(table.filter((line) => line.startsWith("| "))).toEqual(describeSettings().split("\n"));
  });

  test("that omit, invent or repeat a name are found", () => {
    const seeded = pageOf("## API\n\n| service |\n| --- |\n| A |\n| B |\n| B |\n\n## Other\n\n| C |\n");
    const named = tableRows(seeded, "API").map(([name = ""]) => name);
    expect(differences(named, ["B", "D"])).toEqual(["missing: D", "unknown: A", "repeated: B"]);
  });
});

/** Folders of test with the name of a folder of src mirror it and need not be named, nor the parts of generated code. */
function unnamedFolders(named: readonly string[], paths: ReadonlySet<string>): string[] {
  const folders = [...new Set([...paths].map((path) => dirname(path)))];
  return folders.filter((folder) => {
    const isOfSrc = /^src\/[^/]+(\/[^/]+)?$/.test(folder) && !folder.startsWith("src/gen/");
    const isOfTest = /^test\/[^/]+$/.test(folder) && !paths.has(folder.replace("test", "src"));
    const isGroup = ["src/domain", "src/interfaces", "src/infrastructure"].includes(folder);
    return (isOfSrc || isOfTest) && !isGroup && !named.includes(folder);
  });
}

function pathsWith({ paths }: Tree, { file }: Page): ReadonlySet<string> {
  return new Set([...paths, file]);
}
