import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { ownCall } from "../../src/domain/call.ts";
import { attemptLimits } from "../../src/domain/throttle/attempt-limits.ts";
import { connectToCockroach } from "../../src/infrastructure/db/cockroach.ts";
import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { anEvent } from "./events.ts";

export interface AttemptRun {
  /** Transactions that the server has aborted. */
  readonly aborts: number;
  readonly succeeded: number;
  readonly failed: number;
}

const poolSize = 10;
const callMs = 10_000;
/** After this PostgreSQL has added up what its sessions did. */
const statisticsMs = 1_500;

/** So many callers check passwords of users one after another. The hash is left out, so that the database is what is busy. */
export async function runAttempts({
  uri,
  userIds,
  callers,
  goesOn,
}: {
  readonly uri: string;
  readonly userIds: readonly string[];
  readonly callers: number;
  readonly goesOn: (attempts: number) => boolean;
}): Promise<AttemptRun> {
  const pool = await connectToCockroach({ uri, poolSize, statementTimeoutMs: callMs });
  const repository = new CockroachRepository(pool);
  const limits = attemptLimits(10, 300);
  const before = await abortsIn(uri);
  let begun = 0;
  let succeeded = 0;
  let failed = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (goesOn(begun)) {
        const n = begun++;
        const key = { kind: "id", id: userIds[n % userIds.length] ?? "" } as const;
        const network = `198.51.${n % 250}.0/24`;
        const { attempts } = repository.statement(ownCall(callMs));
        try {
          const { attempt } = await attempts.begin(
            { id: randomUUID(), key, nameDigest: "", network },
            limits,
          );
          await attempts.conclude(attempt, "succeeded", { event: anEvent(), locked: anEvent() }, limits);
          succeeded += 1;
        } catch {
          failed += 1;
        }
      }
    }),
  );
  await pool.end();
  await sleep(statisticsMs);
  return { aborts: (await abortsIn(uri)) - before, succeeded, failed };
}

async function abortsIn(uri: string): Promise<number> {
  const client = new Client({ connectionString: uri });
  await client.connect();
  const { rows } = await client.query(
    "select xact_rollback::int8 as aborts from pg_stat_database where datname = current_database()",
  );
  await client.end();
  return Number(rows[0].aborts);
}
