import fc from "fast-check";
import { type Answer, faultOf } from "./answers.ts";
import { type Input, inHex } from "./inputs.ts";

/** How often each kind of input was answered by each code. */
export type Counts = Map<string, Map<string, number>>;

export interface Run {
  readonly inputs: fc.Arbitrary<Input>;
  readonly count: number;
  readonly seed: number;
  readonly inFlight: number;
  send(input: Input): Promise<Answer>;
  readonly counts: Counts;
  /** Each answer that is not as it must be, with what it is the answer to. */
  readonly faults: string[];
  onAnswer(input: Input, answer: Answer): void;
  /** Called when nothing is in flight. */
  afterPart(): void;
  /** Called beside the inputs, once for each `inputsPerCanary` of them. Rejects where the service does not serve. */
  canary(): Promise<void>;
}

export const inputsPerCanary = 250;

/**
 * Sends so many inputs, many at once. Each part of the inputs is drawn from a seed of its own, so that a million of them
 * are never held, and that the same seed is the same inputs in the same order.
 */
export async function runFuzz(run: Run): Promise<void> {
  // A few faults are as good as thousands.
  for (let sent = 0; sent < run.count && run.faults.length < 20; sent += inputsPerCanary) {
    const numRuns = Math.min(inputsPerCanary, run.count - sent);
    const part = fc.sample(run.inputs, { seed: run.seed + sent, numRuns });
    const queue = part.values();
    const workers = Array.from({ length: run.inFlight }, () => work(run, queue));
    await Promise.all([...workers, run.canary()]);
    run.afterPart();
  }
}

async function work(run: Run, queue: IterableIterator<Input>): Promise<void> {
  for (const input of queue) {
    const answer = await run.send(input);
    const fault = faultOf(input, answer);
    if (fault !== undefined) {
      run.faults.push(`${fault}: ${answer.code} "${answer.message}" to ${inHex(input)}`);
    }
    count(run.counts, `${input.port} ${input.kind}`, answer.code);
    run.onAnswer(input, answer);
  }
}

function count(counts: Counts, kind: string, code: string): void {
  const ofKind = counts.get(kind) ?? new Map<string, number>();
  ofKind.set(code, (ofKind.get(code) ?? 0) + 1);
  counts.set(kind, ofKind);
}

/** The counts, a line for each kind. */
export function describeCounts(counts: Counts): string {
  return [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([kind, codes]) => {
      const total = [...codes.values()].reduce((sum, each) => sum + each, 0);
      const parts = [...codes].sort(([, a], [, b]) => b - a).map(([code, times]) => `${code} × ${times}`);
      return `${kind}: ${total} (${parts.join(", ")})`;
    })
    .join("\n");
}
