import { type DatabasePool, sql } from "slonik";
import type { Session } from "../../src/domain/session/session.ts";

/** Sessions of one statement: few enough for a machine that is busy. */
const atOnce = 5_000;

/** All that a session and its copy have in common. */
const copied = sql.fragment`
  user_id, caller, audience, client_id, client_display_name, client_user_agent, client_ip_address, generation, epoch,
  create_time, refresh_time, idle_expire_time, expire_time, purge_time`;

/** Adds so many copies of a session. */
export async function seedSessions(pool: DatabasePool, { id }: Session, count: number): Promise<void> {
  for (let left = count; left > 0; left -= atOnce) await copy(pool, id, Math.min(left, atOnce));
}

async function copy(pool: DatabasePool, id: string, count: number): Promise<void> {
  await pool.query(sql.unsafe`
    insert into sessions (id, ${copied})
    select gen_random_uuid(), ${copied}
    from sessions
    cross join generate_series(1, ${count}::int8)
    where id = ${id}
  `);
}
