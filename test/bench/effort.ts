/** How much work a benchmark does: all of it, or just enough to show that it runs and prints its figures. */
export interface Effort {
  readonly smoke: boolean;
  rounds(full: number): number;
  seconds(full: number): number;
  /** Users, calls: whatever a database is filled with or a loop repeats. */
  count(full: number): number;
}

export const fullEffort: Effort = {
  smoke: false,
  rounds: (full) => full,
  seconds: (full) => full,
  count: (full) => full,
};

export const smokeEffort: Effort = {
  smoke: true,
  rounds: () => 1,
  seconds: (full) => Math.min(full, 0.4),
  count: (full) => Math.max(Math.min(full, 100), Math.ceil(full / 1_000)),
};
