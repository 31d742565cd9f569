import { globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { commands } from "../../src/cli/commands.ts";
import { settings } from "../../src/config/settings.ts";
import { type Page, parsePage } from "./markdown.ts";

const root = join(import.meta.dirname, "../..");

/** What documents can name. */
export interface Tree {
  /** Files and folders, from the project's root. */
  readonly paths: ReadonlySet<string>;
  /** Texts of the files that are not documents, by path. */
  readonly sources: ReadonlyMap<string, string>;
  /** Every identifier in them. */
  readonly words: ReadonlySet<string>;
  readonly scripts: ReadonlySet<string>;
  readonly settings: ReadonlySet<string>;
  /** Commands of `auth`, such as "user create". */
  readonly commands: readonly string[];
}

/** Folders that no document may name as part of the project. */
const ignored = new Set([".git", ".tools", "coverage", "data", "dist", "node_modules", "target"]);

/** The tree of this checkout. */
export function readTree(): Tree {
  const files = filesBelow("");
  const sources = new Map(
    files
      .filter((file) => /\.(ts|js|go|java|proto|json|ya?ml)$|^scripts\/|^\.ci\/|^Dockerfile$/.test(file))
      .filter((file) => !/^(package-lock\.json|test\/vectors\/|test\/docs\/)/.test(file))
      .map((file) => [file, readFileSync(join(root, file), "utf8")]),
  );
  const { scripts } = JSON.parse(sources.get("package.json") ?? "{}");
  return {
    paths: new Set(files.flatMap(withFolders)),
    sources,
    words: new Set(
      [...sources.values()].flatMap((source) => source.match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? []),
    ),
    scripts: new Set(Object.keys(scripts)),
    settings: new Set(Object.keys(settings)),
    commands: commands.map(({ name }) => name),
  };
}

/** The documents of the project's root and of docs. */
export function readPages(): Page[] {
  return globSync(["*.md", "docs/**/*.md"], { cwd: root })
    .sort()
    .map((file) => parsePage(file, readFileSync(join(root, file), "utf8")));
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (ignored.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function withFolders(file: string): string[] {
  const folder = dirname(file);
  return folder === "." ? [file] : [file, ...withFolders(folder)];
}
