import { setTimeout as sleep } from "node:timers/promises";
import { type CommonQueryMethods, sql } from "slonik";
import { z } from "zod";
import { databaseError, sqlState } from "./sql-state.ts";

/** Seconds after which a lease that is not renewed expires, because its holder is presumed dead. */
const leaseSeconds = 15;
const renewEveryMs = 5_000;
const pollEveryMs = 100;

/**
 * Runs `work` while holding the named lease, which has one holder at a time; waits while another process holds it. A
 * lease is a row and not an advisory lock, because CockroachDB's session locks are stubs that always succeed
 * (#13546). The signal passed to `work` is aborted if the lease is lost.
 */
export async function withLease<T>(
  connection: CommonQueryMethods,
  name: string,
  holder: string,
  work: (signal: AbortSignal) => Promise<T>,
  onWait: () => void,
): Promise<T> {
  for (let waited = false; !(await take(connection, name, holder)); waited = true) {
    if (!waited) onWait();
    await sleep(pollEveryMs);
  }
  const lost = new AbortController();
  const renewal = setInterval(() => {
    take(connection, name, holder).then(
      (held) => held || lost.abort(new Error(`the lease "${name}" was lost`)),
      (error) => lost.abort(error),
    );
  }, renewEveryMs);
  try {
    return await work(lost.signal);
  } finally {
    clearInterval(renewal);
    await release(connection, name, holder);
  }
}

/** Acquires or renews the lease. Returns whether this holder now has it. */
async function take(connection: CommonQueryMethods, name: string, holder: string): Promise<boolean> {
  try {
    const row = await connection.maybeOne(sql.type(z.object({ holder: z.string() }))`
      insert into leases (name, holder, expire_time)
      values (${name}, ${holder}, now() + ${leaseSeconds}::int8 * interval '1 second')
      on conflict (name) do update
      set holder = excluded.holder, expire_time = excluded.expire_time
      where leases.expire_time < now()
        or leases.holder = excluded.holder
      returning holder
    `);
    return row !== null;
  } catch (error) {
    // Another instance tried at the same moment; the error does not tell which one holds the lease.
    if (databaseError(error)?.code !== sqlState.serializationFailure) throw error;
    await sleep(pollEveryMs * Math.random());
    return take(connection, name, holder);
  }
}

async function release(connection: CommonQueryMethods, name: string, holder: string): Promise<void> {
  // If this fails, the lease expires by itself.
  await connection
    .query(sql.unsafe`
      delete from leases
      where name = ${name}
        and holder = ${holder}
    `)
    .catch(() => {});
}
