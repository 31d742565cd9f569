/** A fenced code block. */
export interface Block {
  /** The line of its opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** Why no test runs it: the reason in a comment `<!-- not run: … -->` directly before it. */
  readonly notRun: string | undefined;
}

/** A part of a line: the target of a link, or the text of a code span. */
export interface Part {
  readonly line: number;
  readonly text: string;
}

/** What a Markdown file consists of, as far as the tests compare it with the tree. */
export interface Page {
  /** Its path from the project's root. */
  readonly file: string;
  readonly blocks: readonly Block[];
  readonly links: readonly Part[];
  readonly spans: readonly Part[];
  /** The lines outside of code blocks. */
  readonly prose: readonly Part[];
  /** The anchors of its headings, as GitHub derives them. */
  readonly anchors: ReadonlySet<string>;
}

/** Reads a Markdown file. Indented code blocks count as prose: `indentedCode` finds them. */
export function parsePage(file: string, source: string): Page {
  const blocks: Block[] = [];
  const prose: Part[] = [];
  let open: { line: number; language: string; lines: string[] } | undefined;
  for (const [index, text] of source.split("\n").entries()) {
    const line = index + 1;
    const [, language] = /^\s*```(.*)$/.exec(text) ?? [];
    if (open === undefined && language !== undefined) {
      open = { line, language, lines: [] };
    } else if (open !== undefined && language !== undefined) {
      const notRun = notRunReason(prose.at(-1)?.text);
      blocks.push({ line: open.line, language: open.language, text: `${open.lines.join("\n")}\n`, notRun });
      prose.push({ line, text: "" });
      open = undefined;
    } else if (open === undefined) prose.push({ line, text });
    else open.lines.push(text);
  }
  const headings = prose.flatMap(({ text }) => /^#{1,6} (.*)$/.exec(text)?.[1] ?? []);
  return {
    file,
    blocks,
    prose,
    links: parts(prose, /\]\(([^)\s]+)(?: "[^"]*")?\)/g),
    spans: parts(prose, /`([^`]+)`/g),
    anchors: new Set(headings.map(anchorOf)),
  };
}

/** The lines of indented code: such blocks have no language and cannot be run. */
export function indentedCode({ prose }: Page): readonly Part[] {
  return prose.filter(
    ({ text }, index) => /^ {4}\S/.test(text) && (index === 0 || prose[index - 1]?.text.trim() === ""),
  );
}

function notRunReason(line: string | undefined): string | undefined {
  return /^<!-- not run: (\S.*) -->$/.exec(line?.trim() ?? "")?.[1];
}

function anchorOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function parts(prose: readonly Part[], pattern: RegExp): Part[] {
  return prose.flatMap(({ line, text }) =>
    [...text.matchAll(pattern)].map(([, found = ""]) => ({ line, text: found })),
  );
}
