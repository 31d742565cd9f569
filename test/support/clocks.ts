/** The database's clock and a process's, which stand still unless a test moves them. Milliseconds. */
export class Clocks {
  databaseMs = Date.parse("2026-11-22T12:00:00Z");
  /** Of a clock that only goes on. */
  processMs = 1_000;

  /** Time goes by for both. */
  pass(ms: number): void {
    this.databaseMs += ms;
    this.processMs += ms;
  }

  readonly database = (): Date => new Date(this.databaseMs);
  readonly monotonicMs = (): number => this.processMs;
}

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;
