import { setTimeout as sleep } from "node:timers/promises";
import { type CommonQueryMethods, sql } from "slonik";
import { z } from "zod";
import { databaseError, sqlState } from "./sql-state.ts";

/** Seconds after which a lease that is not renewed is free: its holder has died. */
const leaseSeconds = 15;
const renewEveryMs = 5_000;
const pollEveryMs = 100;

/**
 * Runs `work` while holding the named lease, which one holder in all has at a time, and waits for it as long as another
 * has it. A row and not an advisory lock, because CockroachDB's session locks are stubs that always succeed (#13546).
 * `work` gets a signal that is aborted when the lease was lost.
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

/** Takes or renews the lease. Answers whether it is now this holder's. */
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
    // Another instance asked at the same moment; who holds the lease is not said by that.
    if (databaseError(error)?.code !== sqlState.serializationFailure) throw error;
    await sleep(pollEveryMs * Math.random());
    return take(connection, name, holder);
  }
}

async function release(connection: CommonQueryMethods, name: string, holder: string): Promise<void> {
  // Where this fails the lease ends by itself.
  await connection
    .query(sql.unsafe`
      delete from leases
      where name = ${name}
        and holder = ${holder}
    `)
    .catch(() => {});
}
