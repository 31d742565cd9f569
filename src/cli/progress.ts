import { grouped, plural } from "./text.ts";

/** The progress of a command. */
export interface Progress {
  readonly count: number;
  /** The noun of the count, in the singular: "user". */
  readonly noun: string;
  /** The completed fraction, from 0 to 1, or undefined if the total is unknown. */
  readonly part: number | undefined;
}

export interface ProgressDisplayOptions {
  write(text: string): void;
  /** Columns of the terminal, or undefined if the output is not a terminal. */
  readonly columns: number | undefined;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
}

const barCells = 20;
const redrawEveryMs = 200;
const lineEveryMs = 10_000;

/** Shows the progress of a command: a bar that is redrawn on a terminal, a line every ten seconds elsewhere. */
export class ProgressDisplay {
  readonly #options: ProgressDisplayOptions;
  readonly #startedAt: number;
  #shownAt: number;
  #hasBar = false;

  constructor(options: ProgressDisplayOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    this.#shownAt = this.#startedAt;
  }

  show(progress: Progress): void {
    const { write, columns, now } = this.#options;
    const at = now();
    if (at - this.#shownAt < (columns === undefined ? lineEveryMs : redrawEveryMs)) return;
    this.#shownAt = at;
    const text = describeProgress(progress, at - this.#startedAt);
    this.#hasBar = columns !== undefined;
    if (columns === undefined) write(`${text}\n`);
    else write(`\r\u001b[K${`${bar(progress.part)}${text}`.slice(0, columns - 1)}`);
  }

  /** Removes the bar, if there is one, to make room for other text. */
  clear(): void {
    if (this.#hasBar) this.#options.write("\r\u001b[K");
    this.#hasBar = false;
  }
}

/** "12,000 users, 45 %, 3,200/s, 2 min left". */
function describeProgress({ count, noun, part }: Progress, elapsedMs: number): string {
  const facts = [plural(count, noun)];
  if (part !== undefined) facts.push(`${Math.floor(part * 100)} %`);
  if (elapsedMs > 0) facts.push(`${grouped(Math.round((count / elapsedMs) * 1_000))}/s`);
  if (part !== undefined && part > 0) facts.push(`${duration((elapsedMs * (1 - part)) / part)} left`);
  return facts.join(", ");
}

function bar(part: number | undefined): string {
  if (part === undefined) return "";
  const full = Math.min(barCells, Math.floor(part * barCells));
  return `${"█".repeat(full)}${"░".repeat(barCells - full)} `;
}

/** Rounded up to the largest unit: "40 s", "3 min", "2 h". */
function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3_600 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3_600)} h`;
}
