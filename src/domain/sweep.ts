/** Few enough that no other transaction waits for long. */
const sweptAtOnce = 500;

/** Sweeps until less is left than goes at once: `sweep` forgets up to `limit` items and answers how many. */
export async function sweepAll(sweep: (limit: number) => Promise<number>): Promise<void> {
  while ((await sweep(sweptAtOnce)) === sweptAtOnce);
}
