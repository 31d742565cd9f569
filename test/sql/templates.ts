import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A piece of SQL in the sources: what stands between its parameters. */
export interface Template {
  /** "src/infrastructure/db/lease.ts:45". */
  readonly place: string;
  readonly pieces: readonly string[];
}

const root = join(import.meta.dirname, "../..");

/** Every `sql.type(…)`, `sql.unsafe` and `sql.fragment` template under src. */
export function templatesOfSources(): Template[] {
  return globSync("src/**/*.ts", { cwd: root })
    .sort()
    .flatMap((file) => templatesOf(file, readFileSync(join(root, file), "utf8")));
}

/** The templates of one source. @throws where there is one that cannot be read. */
export function templatesOf(file: string, source: string): Template[] {
  return [...source.matchAll(/\bsql\.(type|unsafe|fragment)\b/g)].map(({ index, 0: tag }) => {
    const place = `${file}:${source.slice(0, index).split("\n").length}`;
    const afterTag = index + tag.length;
    const start = source[afterTag] === "(" ? endOfCode(source, afterTag + 1) : afterTag;
    if (source[start] !== "`") throw new Error(`${place}: no template follows ${tag}`);
    return { place, pieces: piecesOf(source, start + 1).pieces };
  });
}

/** Whether a template is in a statement: its pieces, in their order, whatever the white space. */
export function isIn(statement: string, { pieces }: Template): boolean {
  const text = squeezed(statement);
  let from = 0;
  return pieces.map(squeezed).every((piece) => {
    const at = text.indexOf(piece, from);
    from = at + piece.length;
    return at >= 0;
  });
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, "");
}

/** The text that a piece of source stands for: the templates have no escapes but of single characters. */
function unescaped(piece: string): string {
  return piece.replace(/\\(.)/gs, "$1");
}

/** Reads a template from behind its opening backtick. */
function piecesOf(source: string, start: number): { pieces: string[]; end: number } {
  const pieces: string[] = [];
  let from = start;
  for (let at = start; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "`")
      return { pieces: [...pieces, source.slice(from, at)].map(unescaped), end: at + 1 };
    else if (source.startsWith("${", at)) {
      pieces.push(source.slice(from, at));
      from = endOfCode(source, at + 2);
      at = from - 1;
    }
  }
  throw new Error("a template does not end");
}

/** The place behind the bracket that closes code, which begins behind the one that opened it. */
function endOfCode(source: string, start: number): number {
  let depth = 1;
  for (let at = start; at < source.length; at++) {
    const character = source[at] ?? "";
    if (character === "`") at = piecesOf(source, at + 1).end - 1;
    else if (character === '"' || character === "'") at = source.indexOf(character, at + 1);
    else if ("([{".includes(character)) depth++;
    else if (")]}".includes(character) && --depth === 0) return at + 1;
  }
  throw new Error("code does not end");
}
