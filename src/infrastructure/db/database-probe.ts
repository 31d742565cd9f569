import { type CommonQueryMethods, sql } from "slonik";
import { z } from "zod";

/** Properties of a database as measured from this process. */
export interface DatabaseProbe {
  /**
   * Round trip of a trivial statement, in milliseconds: the fastest of several, to measure distance rather than load.
   */
  readonly roundTripMs: number;
  /** How far the database's clock is ahead of this machine's, in milliseconds; negative if it is behind. */
  readonly clockAheadMs: number;
  /** Uncertainty of `clockAheadMs` due to the round trip, in milliseconds. */
  readonly clockErrorMs: number;
  /**
   * Whether text sorts byte by byte, as in the C collation. If not, the indexes on identifiers cannot serve prefix
   * searches.
   */
  readonly ordersByBytes: boolean;
  /** Whether sessions of this role reject writes. */
  readonly readOnly: boolean;
}

const rounds = 5;

/** Probes several times in sequence, on a connection that is already open. */
export async function probeDatabase(connection: CommonQueryMethods): Promise<DatabaseProbe> {
  const seen = [];
  for (let round = 0; round <= rounds; round++) seen.push(await look(connection));
  // The first round runs on cold caches.
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
