import { type AttemptRun, runAttempts } from "../support/attempt-load.ts";
import { openBenchDatabase } from "./bench-database.ts";
import type { Effort } from "./effort.ts";
import { type Figure, round } from "./figure.ts";

const callerCounts = [50, 200, 500];
const users = 2_000;
const rows = 100_000;

const tables = ["account_attempts", "network_attempts", "events"];
const insertAttempts = (count: number) => `
  insert into account_attempts (account, attempt_id, failures, lock_end_time, forget_time)
  select 'names/' || md5('name' || n), gen_random_uuid(), 1, now() - interval '1 day', now() + interval '1 day'
  from generate_series(1, ${count}) as n`;

/** What the tables of attempts hold, and what the server believes that they hold, when the calls begin. */
const states: Record<string, readonly string[]> = {
  "empty and analysed": ["analyze"],
  "of one row": [insertAttempts(1), "analyze"],
  [`of ${rows} rows`]: [insertAttempts(rows), "analyze"],
  [`of ${rows} rows, analysed when empty`]: ["analyze", insertAttempts(rows)],
};

/**
 * How often PostgreSQL aborts a transaction of a password check because of another one that runs (40001). A plan that reads a
 * table whole makes SERIALIZABLE lock the whole of it, and each check then aborts several others.
 */
export async function attemptAborts(effort: Effort): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, statements] of Object.entries(states)) {
    await using database = await openBenchDatabase(users);
    for (const table of tables) {
      // The server would notice by itself after a minute or so.
      await database.query(`alter table ${table} set (autovacuum_enabled = false)`);
    }
    for (const statement of statements) await database.query(statement);
    const runs: (AttemptRun & { readonly callers: number })[] = [];
    for (const callers of effort.smoke ? [50] : callerCounts) {
      runs.push({
        callers,
        ...(await runAttempts({ ...database, callers, goesOn: until(effort.seconds(6)) })),
      });
    }
    const ratio = Math.max(...runs.map(({ aborts, succeeded }) => aborts / succeeded));
    const failed = runs.reduce((sum, run) => sum + run.failed, 0);
    figures.push({
      name: `aborts per password check that succeeds, at most, tables ${name}`,
      value: round(ratio, 3),
      bar: `≤ 0.1 at ${callerCounts.join(", ")} callers, and none fails`,
      met: ratio <= 0.1 && failed === 0,
      detail: runs
        .map((run) => `${run.callers} callers: ${run.aborts} of ${run.succeeded}, ${run.failed} failed`)
        .join("; "),
    });
  }
  return figures;
}

function until(seconds: number): () => boolean {
  const endsAt = performance.now() + seconds * 1_000;
  return () => performance.now() < endsAt;
}
