import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { opaqueString, usernameCaseMapped } from "../../../src/domain/identifier/precis.ts";
import { hex } from "./unicode-text.ts";

// Differential test against golang.org/x/text: test/vectors/precis.txt, whose format scripts/precis-vectors/main.go
// describes. Where both differ, the difference has one of these reasons or is a defect.

type Enforce = (text: string) => string | undefined;

interface Vector {
  readonly enforce: Enforce;
  readonly text: string;
  /** What Go makes of it; undefined where it refuses, "accepted" where the file does not tell the result. */
  readonly expected: string | undefined;
  readonly accepted: boolean;
}

const rightToLeft = /[\u0590-\u08FF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;
const otherThanRightToLeft = /[[\u{80}-\u{10FFFF}]--[\u0590-\u08FF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]]/v;

const reasons: Readonly<Record<string, (vector: Vector, ours: string | undefined) => boolean>> = {
  "this engine's Unicode is older than Go's": ({ text, accepted }, ours) =>
    accepted && ours === undefined && /\p{Cn}/u.test(text),
  "this engine's Unicode is newer than Go's": ({ accepted }, ours) =>
    !accepted && ours !== undefined && process.versions["unicode"] !== unicodeVersion,
  "stricter: ZERO WIDTH NON-JOINER that follows no virama would need Joining_Type": (
    { text, accepted },
    ours,
  ) => accepted && ours === undefined && /(?<!\u094D)\u200C/.test(text),
  "stricter: a mark or sign of no right-to-left script in a right-to-left name would need Bidi_Class": (
    { enforce, text, accepted },
    ours,
  ) =>
    accepted &&
    ours === undefined &&
    enforce === usernameCaseMapped &&
    rightToLeft.test(text) &&
    otherThanRightToLeft.test(text),
};

const lines = readFileSync(new URL("../../vectors/precis.txt", import.meta.url), "utf8")
  .trimEnd()
  .split("\n");
const unicodeVersion = /Unicode ([0-9]+\.[0-9]+)/.exec(lines[0] ?? "")?.[1];

test("differs from Go only for the reasons listed", () => {
  const explained: Record<string, number> = {};
  const unexplained: string[] = [];
  for (const vector of readVectors()) {
    const ours = vector.enforce(vector.text);
    if (agrees(vector, ours)) continue;
    const reason = Object.keys(reasons).find((name) => reasons[name]?.(vector, ours));
    if (reason !== undefined) explained[reason] = (explained[reason] ?? 0) + 1;
    else unexplained.push(`${hex(vector.text)}: Go ${show(vector.expected)}, we ${show(ours)}`);
  }

  expect(unexplained).toEqual([]);
  if (process.versions["unicode"] === unicodeVersion)
    expect(explained).toMatchInlineSnapshot(`
    {
      "stricter: ZERO WIDTH NON-JOINER that follows no virama would need Joining_Type": 15,
      "stricter: a mark or sign of no right-to-left script in a right-to-left name would need Bidi_Class": 3305,
    }
  `);
});

function agrees({ expected, accepted }: Vector, ours: string | undefined): boolean {
  return expected === "accepted"
    ? ours !== undefined
    : ours === expected && accepted === (ours !== undefined);
}

function show(result: string | undefined): string {
  return result === undefined ? "refuses" : hex(result);
}

function* readVectors(): Generator<Vector> {
  let readLine: (line: string) => Iterable<Vector> = () => [];
  for (const line of lines) {
    if (line.startsWith("#")) continue;
    if (line.startsWith("[")) readLine = sectionReader(line);
    else yield* readLine(line);
  }
}

function sectionReader(heading: string): (line: string) => Iterable<Vector> {
  if (heading === "[strings]") return readString;
  const [kind, profile, ...template] = heading.slice(1, -1).split(" ");
  const enforce = profile === "OpaqueString" ? opaqueString : usernameCaseMapped;
  return (line) => readRange(line, enforce, template, kind === "alone");
}

function* readString(line: string): Generator<Vector> {
  const [input = "", name = "", password = ""] = line.split("|");
  const text = unhex(input);
  for (const [enforce, verdict] of [
    [usernameCaseMapped, name],
    [opaqueString, password],
  ] as const) {
    const expected = verdict === "-" ? undefined : verdict === "=" ? text : unhex(verdict);
    yield { enforce, text, expected, accepted: expected !== undefined };
  }
}

function* readRange(line: string, enforce: Enforce, template: string[], alone: boolean): Generator<Vector> {
  const [, first = "", last = first, verdict = ""] =
    /^([0-9A-F]+)(?:\.\.([0-9A-F]+))? (.*)$/.exec(line) ?? [];
  const end = Number.parseInt(last, 16);
  const before = unhex(template.slice(0, template.indexOf("X")));
  const after = unhex(template.slice(template.indexOf("X") + 1));
  for (let code = Number.parseInt(first, 16); code <= end; code = next(code, end, alone)) {
    const expected = expectedOf(verdict, code);
    const text = before + String.fromCodePoint(code) + after;
    yield { enforce, text, expected, accepted: expected !== undefined };
  }
}

// Every code point is asked about alone. Beside others, long ranges (Han, private use, unassigned) are sampled, with
// both of their ends.
function next(code: number, end: number, alone: boolean): number {
  return alone || end - code < 100 ? code + 1 : Math.min(code + 61, end);
}

function expectedOf(verdict: string, code: number): string | undefined {
  if (verdict === "-" || verdict === "?") return undefined;
  if (verdict === "ok") return "accepted";
  if (verdict === "=") return String.fromCodePoint(code);
  if (/^[+-]/.test(verdict)) return String.fromCodePoint(code + Number.parseInt(verdict, 16));
  return unhex(verdict);
}

function unhex(codes: string | readonly string[]): string {
  const list = typeof codes === "string" ? codes.split(" ") : codes;
  return String.fromCodePoint(...list.map((code) => Number.parseInt(code, 16)));
}
