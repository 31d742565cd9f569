/** Small enough that no other transaction waits long. */
const sweepBatchSize = 500;

/**
 * Calls `sweep` until it returns fewer items than the limit. `sweep` deletes up to `limit` items and returns how many.
 */
export async function sweepAll(sweep: (limit: number) => Promise<number>): Promise<void> {
  while ((await sweep(sweepBatchSize)) === sweepBatchSize);
}
