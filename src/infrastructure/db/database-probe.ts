import { type CommonQueryMethods, sql } from "slonik";
import { z } from "zod";

/** What can be seen of a database from here. */
export interface DatabaseProbe {
  /** Of a statement that does nothing: the fastest of several, which is the distance and not the load. */
  readonly roundTripMs: number;
  /** How far the database's clock is ahead of this machine's; negative where it is behind. */
  readonly clockAheadMs: number;
  /** How much of that may be the way there and back. */
  readonly clockErrorMs: number;
  /** Whether text is ordered byte by byte, as in C collation: else the indexes on identifiers cannot find prefixes. */
  readonly ordersByBytes: boolean;
  /** Whether the sessions of this role accept no writes. */
  readonly readOnly: boolean;
}

const rounds = 5;

/** Asks a few times, one after the other, on a connection that is open already. */
export async function probeDatabase(connection: CommonQueryMethods): Promise<DatabaseProbe> {
  const seen = [];
  for (let round = 0; round <= rounds; round++) seen.push(await look(connection));
  // The first one finds caches cold.
  const fastest = seen.slice(1).reduce((a, b) => (b.roundTripMs < a.roundTripMs ? b : a));
  return {
    roundTripMs: fastest.roundTripMs,
    clockAheadMs: fastest.clockAheadMs,
    clockErrorMs: fastest.roundTripMs / 2,
    ordersByBytes: fastest.ordersByBytes,
    readOnly: fastest.readOnly,
  };
}

const row = z.object({ time: z.date(), orders_by_bytes: z.boolean(), read_only: z.string() });

async function look(connection: CommonQueryMethods) {
  const sentAt = Date.now();
  const began = performance.now();
  const answer = await connection.one(sql.type(row)`
    select
      now()::timestamptz(3) as time,
      ('B'::text < 'a'::text)::bool as orders_by_bytes,
      current_setting('transaction_read_only') as read_only
  `);
  const roundTripMs = performance.now() - began;
  return {
    roundTripMs,
    clockAheadMs: answer.time.getTime() - (sentAt + roundTripMs / 2),
    ordersByBytes: answer.orders_by_bytes,
    readOnly: answer.read_only === "on",
  };
}
