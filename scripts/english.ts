/** A phrase that a native engineer of this field would not write. */
export interface Finding {
  readonly file: string;
  /** 1 for the first line. */
  readonly line: number;
  readonly phrase: string;
  readonly instead: string;
}

const patterns: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/(?<!\bthere )\b(?:is|are) (?:no|none)\b(?! longer| more| fewer| less)/gi, '"is not a …" or "unknown …"'],
  [/\b(?:nobody|somebody|everybody|anybody|whoever)\b/gi, 'the role: "anonymous callers", "the caller"'],
  [/\b(?:anew|to be had|some day)\b/gi, '"again", "available", a time'],
  [/\btold of\b|\btells? of\b/gi, '"about"'],
  [/\bwhat (?:is|was) (?:said|sent|given)\b/gi, "the thing itself"],
  [/\bso long (?:is|are|as|may|can)\b/gi, '"while" or "for that time"'],
  [/@throws [^.\n]*\bwhere\b/gi, '"if"'],
  [/(?:^|[.:;*/] +)who (?:calls|watches|asks|must|can|has|is)\b(?![^.]*\?)/gim, "the role as the subject"],
];

/** Text that is quoted from elsewhere: code, titles of tests, names of operating system accounts. */
const quoted = /`[^`\n]*`|"[^"\n]*"/g;

/** Finds the phrases of a file. Quotations in Markdown and comments do not count. */
export function findPhrases(file: string, text: string): Finding[] {
  const own = file.endsWith(".ts")
    ? text
    : text.replaceAll(quoted, (quotation) => " ".repeat(quotation.length));
  return patterns.flatMap(([pattern, instead]) =>
    [...own.matchAll(pattern)].map((match) => ({
      file,
      line: own.slice(0, match.index).split("\n").length,
      phrase: match[0].trim(),
      instead,
    })),
  );
}
