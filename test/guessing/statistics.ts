// What the times of two classes say about each other.

/** An interval, in milliseconds. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * - equivalent: the difference is within ±1 ms, as far as this run can say
 * - different: it is beyond that, or the means are told apart for certain
 * - inconclusive: this run cannot say; never to be taken for equivalent
 */
export type Verdict = "equivalent" | "different" | "inconclusive";

export interface Comparison {
  readonly verdict: Verdict;
  /** 99 % intervals of how much longer the second one takes, by bootstrap: jitter only adds, so that low quantiles tell most. */
  readonly p10: Interval;
  readonly median: Interval;
  /** Welch's t of what is below the 90th percentile of both. */
  readonly t: number;
  /** Standard deviation of the same, and the samples of each that it takes to see 1 ms through it. */
  readonly sigma: number;
  readonly needed: number;
}

const boundMs = 1;
/** dudect's: beyond it two means are not the same. */
const alarm = 4.5;
const resamples = 1_000;
/** With fewer, neither a deviation nor a quantile is known well. */
const leastSamples = 150;
/** z of α = 10⁻³ on both sides, and of 95 % power. */
const zSum = 3.2905 + 1.6449;

/** @param random uniform in [0, 1) */
export function compare(
  first: readonly number[],
  second: readonly number[],
  random: () => number,
): Comparison {
  const cut = quantile([...first, ...second].sort(ascending), 0.9);
  const [a, b] = [first, second].map((times) => momentsOf(times.filter((ms) => ms <= cut)));
  const sigma = Math.sqrt((a!.variance + b!.variance) / 2);
  const needed = Math.max(leastSamples, Math.ceil((2 * zSum ** 2 * sigma ** 2) / boundMs ** 2));
  const t = (b!.mean - a!.mean) / Math.sqrt(a!.variance / a!.count + b!.variance / b!.count);
  const [p10, median] = intervals(first, second, [0.1, 0.5], random) as [Interval, Interval];
  const both = [p10, median];
  const isBeyond = both.some(({ low, high }) => low > boundMs || high < -boundMs);
  const isWithin = both.every(({ low, high }) => low > -boundMs && high < boundMs);
  const isResolved = Math.min(first.length, second.length) >= needed;
  const verdict =
    isBeyond || Math.abs(t) >= alarm ? "different" : isWithin && isResolved ? "equivalent" : "inconclusive";
  return { verdict, p10, median, t, sigma, needed };
}

/** Of sorted values. */
export function quantile(sorted: readonly number[], p: number): number {
  const place = p * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * The greatest difference of the shares below any time (Kolmogorov and Smirnov), and what chance alone reaches once in a
 * thousand times: for classes of several kinds of hashes, whose quantiles jump from one kind to the next.
 */
export function distanceOf(first: readonly number[], second: readonly number[]) {
  const [a, b] = [[...first].sort(ascending), [...second].sort(ascending)];
  const all = [...a, ...b].sort(ascending);
  let distance = 0;
  let [inA, inB] = [0, 0];
  for (const ms of all) {
    while (inA < a.length && (a[inA] ?? 0) <= ms) inA += 1;
    while (inB < b.length && (b[inB] ?? 0) <= ms) inB += 1;
    distance = Math.max(distance, Math.abs(inA / a.length - inB / b.length));
  }
  return { distance, byChance: 1.95 * Math.sqrt(1 / a.length + 1 / b.length) };
}

/** Intervals of the differences of quantiles. */
function intervals(
  first: readonly number[],
  second: readonly number[],
  ps: readonly number[],
  random: () => number,
): Interval[] {
  const [a, b] = [first, second].map((times) => Float64Array.from(times).sort());
  const differences = ps.map(() => new Float64Array(resamples));
  for (let n = 0; n < resamples; n++) {
    const [ofA, ofB] = [resampledQuantiles(a!, ps, random), resampledQuantiles(b!, ps, random)];
    for (const [i, each] of differences.entries()) each[n] = (ofB[i] ?? 0) - (ofA[i] ?? 0);
  }
  return differences.map((each) => {
    const sorted = [...each.sort()];
    return { low: quantile(sorted, 0.005), high: quantile(sorted, 0.995) };
  });
}

/** Quantiles of as many values drawn from the sorted ones, each put back: drawn by place, so that nothing need be sorted. */
function resampledQuantiles(sorted: Float64Array, ps: readonly number[], random: () => number): number[] {
  const count = sorted.length;
  const drawn = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const place = Math.floor(random() * count);
    drawn[place] = (drawn[place] ?? 0) + 1;
  }
  const answers: number[] = [];
  let place = -1;
  let passed = 0;
  for (const p of ps) {
    while (passed <= p * (count - 1)) {
      place += 1;
      passed += drawn[place] ?? 0;
    }
    answers.push(sorted[place] ?? Number.NaN);
  }
  return answers;
}

function momentsOf(values: readonly number[]) {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  return { count, mean, variance };
}

export const ascending = (a: number, b: number) => a - b;

/** A generator of mulberry32: the same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
