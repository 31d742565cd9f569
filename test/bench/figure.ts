/** One figure of the benchmark, with the bar that it is held to. */
export interface Figure {
  readonly name: string;
  /** A ratio, or a number with its unit. */
  readonly value: string;
  readonly bar: string;
  /** Undefined if the figure has no bar. */
  readonly met: boolean | undefined;
  /** What the ratio is made of. */
  readonly detail: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** `2.31`, and no more digits than mean something. */
export function round(value: number, digits = 2): string {
  return value.toFixed(digits);
}
