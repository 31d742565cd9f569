import { foreignNames } from "./foreign-names.ts";
import type { Page, Part } from "./markdown.ts";
import type { Tree } from "./tree.ts";

/**
 * The names on a page that are not in the tree, each as "file:line: what is wrong". Checked are settings, npm scripts and
 * file names anywhere on the page, and folders, symbols and commands of `auth` in code spans. A page that writes about
 * something that no longer exists marks the span: `Name` (removed).
 */
export function missingNames(page: Page, tree: Tree): string[] {
  const code = page.blocks.map(({ line, text }) => ({ line, text }));
  return [
    ...[...page.prose, ...code].flatMap((part) => textFaults(part, tree)),
    ...page.prose.flatMap((part) => fileFaults(part, page, tree)),
    ...page.spans.flatMap((span) => spanFaults(span, page, tree)),
  ].map(({ line, text }) => `${page.file}:${line}: ${text}`);
}

function textFaults({ line, text }: Part, { settings, scripts }: Tree): Part[] {
  const named = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = ""]) => name);
  const unknownSettings = named(/\b(AUTH_[A-Z0-9_]+)\b/g).filter((name) => !settings.has(name));
  const unknownScripts = named(/\bnpm (start|test|run (?:-s |--silent )?[a-z][\w:-]*)/g)
    .map((name) => name.replace(/^run (-s |--silent )?/, ""))
    .filter((name) => !scripts.has(name));
  return [
    ...unknownSettings.map((name) => ({ line, text: `unknown setting ${name}` })),
    ...unknownScripts.map((name) => ({ line, text: `unknown npm script ${name}` })),
  ];
}

/** Files that are named outside of code spans and links. */
function fileFaults({ line, text }: Part, page: Page, tree: Tree): Part[] {
  const plain = text.replace(/`[^`]*`|\]\([^)]*\)|https?:\S+/g, "");
  const files = plain.match(/[\w./-]*\w\.(md|ts|proto|ya?ml)\b/g) ?? [];
  return files
    .filter((file) => !isKnownPath(file, page, tree))
    .map((file) => ({ line, text: `unknown file ${file}` }));
}

function spanFaults(span: Part, page: Page, tree: Tree): Part[] {
  const { line, text } = span;
  const fault = (what: string) => [{ line, text: `${what} ${text}` }];
  if (isMarkedRemoved(span, page)) return isKnown(text, tree) ? fault("marked as removed, but exists:") : [];
  if (foreignNames.has(text)) return [];
  if (text.startsWith("auth ")) return isCommand(text.slice(5), tree) ? [] : fault("unknown command");
  if (isPath(text)) return isKnownPath(text, page, tree) ? [] : fault("unknown file or folder");
  if (isSymbol(text)) return isKnownSymbol(text, tree) ? [] : fault("unknown symbol");
  return [];
}

function isMarkedRemoved({ line, text }: Part, { prose }: Page): boolean {
  return prose.some((part) => part.line === line && part.text.includes(`\`${text}\` (removed)`));
}

function isKnown(text: string, tree: Tree): boolean {
  if (isPath(text)) return hasPath(text, tree);
  return isKnownSymbol(text, tree);
}

/** "user create --email X" begins with a command, "keys …" with a group of commands. */
function isCommand(text: string, { commands }: Tree): boolean {
  const words = text.split(" ");
  if (words[0] === "help" || words[0]?.startsWith("--")) return true;
  const end = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  const command = words.slice(0, end < 0 ? words.length : end).join(" ");
  return commands.some((name) => name === command || (end >= 0 && name.startsWith(`${command} `)));
}

const extension = /\.(ts|md|proto|ya?ml|json|txt|binpb)$/;

/** Absolute paths, "./data", package names and methods of the API are not paths of the project. */
function isPath(text: string): boolean {
  if (!/^[\w.…*-]+(\/[\w.…*-]+)*\/?$/.test(text)) return false;
  return (text.includes("/") || extension.test(text)) && !/^\.{1,2}\//.test(text);
}

function isKnownPath(text: string, { file }: Page, tree: Tree): boolean {
  const folder = file.split("/").slice(0, -1);
  return hasPath(text, tree) || hasPath([...folder, text].join("/"), tree) || isApiMethod(text, tree);
}

/** A path may leave out its first folders, and a test its extension. "*" and "…" stand for a part of a name. */
function hasPath(text: string, { paths }: Tree): boolean {
  const name = text
    .replace(/\/$/, "")
    .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replace(/[*…]/g, "[^/]*");
  const pattern = new RegExp(`(^|/)${name}(\\.test\\.ts)?$`);
  return paths.values().some((path) => pattern.test(path));
}

function isApiMethod(text: string, { words }: Tree): boolean {
  const [, service = "", method = ""] = /^[\w.]+\.(\w+)\/(\w+)$/.exec(text) ?? [];
  return words.has(service) && words.has(method);
}

/** An identifier, or several with dots: `Turns`, `User.fromRow`, `AuthenticationService.#prove`, `users.get`. */
function isSymbol(text: string): boolean {
  return /^[A-Za-z_]\w*(\.#?[A-Za-z_]\w*)*(\(\))?$/.test(text);
}

/** A member must be in a file that declares its owner if the owner is a type; every other name, anywhere in the sources. */
function isKnownSymbol(text: string, { words, sources }: Tree): boolean {
  const names = text.replace("()", "").split(".");
  if (!names.every((name) => words.has(name.replace("#", "")))) return false;
  const [owner = "", member] = names.slice(-2);
  if (member === undefined || !/^[A-Z][a-z]/.test(owner)) return true;
  const declaration = new RegExp(`\\b(class|interface|type|const|message|service) ${owner}\\b`);
  const use = new RegExp(`(?<!\\w)${member}\\b`);
  return sources.values().some((source) => declaration.test(source) && use.test(source));
}
