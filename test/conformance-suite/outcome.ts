import { matchesGlob } from "node:path";

/** What `connectconformance` printed about one run. */
export interface Outcome {
  readonly total: number;
  readonly passed: number;
  /** What it says about each case that failed, by the case's name. */
  readonly failed: ReadonlyMap<string, string>;
}

/** An outcome, compared with the known failures. */
export interface Verdict {
  readonly total: number;
  readonly passed: number;
  readonly known: number;
  /** What must be put right: each failure that is not known, and each pattern that matches none. */
  readonly faults: readonly string[];
}

/** @throws Error if the output has no summary */
export function readOutcome(output: string): Outcome {
  const summary = /^Total cases: (\d+)\n(\d+) passed, \d+ failed$/m.exec(output);
  if (summary === null) throw new Error(`connectconformance printed no summary:\n${output}`);
  const failed = new Map<string, string>();
  for (const [, name = "", reason = ""] of output.matchAll(/^FAILED: (.+):\n((?:\t.*\n)*)/gm)) {
    failed.set(name, reason.trimEnd());
  }
  return { total: Number(summary[1]), passed: Number(summary[2]), failed };
}

/** The patterns of a file of known failures: one per line, without comments and empty lines. */
export function readPatterns(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

export function compare({ total, passed, failed }: Outcome, patterns: readonly string[]): Verdict {
  const names = [...failed.keys()];
  const isKnown = (name: string) => patterns.some((pattern) => matchesGlob(name, pattern));
  const unknown = names.filter((name) => !isKnown(name));
  const stale = patterns.filter((pattern) => !names.some((name) => matchesGlob(name, pattern)));
  const known = names.length - unknown.length;
  const uncounted = total - passed - names.length;
  return {
    total,
    passed,
    known,
    faults: [
      ...unknown.map((name) => `FAILED: ${name}:\n${failed.get(name)}`),
      ...stale.map((pattern) => `no case failed that matches the known failure ${pattern}`),
      ...(uncounted === 0 ? [] : [`${uncounted} cases have no result`]),
    ],
  };
}
