import type { Client } from "pg";
import type { PageCursor } from "../../src/domain/page-tokens.ts";
import type { EventArguments } from "./every-event-query.ts";

/**
 * As many events, of the last 90 days, the last 20 without a place: of one user 400, of others five each; of one caller 200,
 * of another all others; one in 200 failed and one in 1,000 refused; most of one type.
 * @param user the user's id, as an expression
 */
export async function populateEvents(client: Client, population: number, user: string): Promise<void> {
  await client.query(`
    insert into events (
      id, position, clock, create_time, purge_time, type, outcome, reason, user_id, object_id, changed_fields, caller,
      address, client_address, request_id
    )
    select
      gen_random_uuid(), case when n <= ${population} - 20 then n else 0 end, n, at, at + interval '90 days', type, outcome,
      case when outcome <> 'success' then 'CREDENTIALS_INVALID' end, user_id, '', '[]',
      case when n % 500 = 3 then 'cli:ada' else 'spiffe://example/web' end, '192.0.2.1', '', 'r-' || n
    from (
      select
        n,
        now() - interval '90 days 1 minute' + n * interval '78 seconds' as at,
        case n % 100
          when 0 then 'user.created' when 1 then 'user.deleted' when 2 then 'password.set' else 'session.refreshed'
        end as type,
        case when n % 200 = 7 then 'failure' when n % 1000 = 9 then 'refused' else 'success' end as outcome,
        case
          when n % 250 = 0 then ${user}
          else md5('user' || n % 20000)::uuid
        end as user_id
      from generate_series(1, ${population}) as n
    ) as happened
  `);
  await client.query(`update event_heads set position = ${population - 20}`);
}

/** Arguments for every query of events: a user with 400 of them, and a caller with 200. */
export async function eventArgumentsOf(
  client: Client,
  population: number,
  user: string,
): Promise<EventArguments> {
  const at = async (place: number) => {
    const { rows } = await client.query(
      `select id, create_time as "createTime" from events order by create_time desc offset ${place} limit 1`,
    );
    return rows[0] as PageCursor;
  };
  const { rows } = await client.query(`select ${user} as id`);
  return {
    userId: rows[0].id,
    caller: "cli:ada",
    deep: await at(0.7 * population),
    recent: await at(1_000),
    position: population / 2,
  };
}
