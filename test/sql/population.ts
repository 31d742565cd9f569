import { randomUUID } from "node:crypto";
import type { Client } from "pg";
import type { DatabasePool } from "slonik";
import type { PageCursor } from "../../src/domain/page-tokens.ts";
import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { aCall } from "../support/calls.ts";
import { populateEvents } from "./event-population.ts";
import type { CallerArguments } from "./every-caller-query.ts";
import type { Arguments } from "./every-query.ts";
import type { SessionArguments } from "./every-session-query.ts";

/** How many users the plans are made for. */
export const population = 100_000;

/** Every so many users one is suspended, and one is deleted. A fourth of the suspensions has ended. */
export const rareness = 50;

/** The user of whom there is more than of others, as an expression. */
export const oldestWithEmail =
  "(select id from users where email_key is not null order by create_time limit 1)";

/**
 * Fills a migrated database: users created one every five minutes, most with an email whose key begins with random
 * hexadecimal digits, most with a password, and as many requests, a few of them of the day before; two sessions for each
 * user, of the last 38 days, and 200 more for the oldest who has an email.
 */
export async function populate(client: Client): Promise<void> {
  await client.query(`
    insert into users (
      id, email, email_key, username, username_key, display_name, attributes,
      suspend_reason, suspend_time, suspend_until_time, create_time, update_time, delete_time, version
    )
    select
      gen_random_uuid(), email, email, 'user-' || n, 'user-' || n, '', '{}',
      case when suspended then 'fraud' end,
      case when suspended then at + interval '1 hour' end,
      case when suspended and n % (4 * ${rareness}) = 7 then at + interval '2 hours' end,
      at, at, case when n % ${rareness} = 13 then at + interval '1 day' end, 1
    from generate_series(1, ${population}) as n
    cross join lateral (
      select
        case when n % 10 > 0 then md5('email' || n) || '@example.com' end as email,
        n % ${rareness} = 7 as suspended,
        now() - (${population} - n) * interval '5 minutes' as at
    ) as person
  `);
  await client.query(`
    insert into credentials (user_id, password_hash, create_time, update_time)
    select id, 'hash', create_time, create_time
    from users
    where email is not null
  `);
  await client.query(`
    insert into requests (id, fingerprint, result, create_time)
    select gen_random_uuid(), md5('content' || n), jsonb_build_object('user', repeat('x', 400)), now() - n * interval '0.87 seconds'
    from generate_series(1, ${population}) as n
  `);
  await client.query(`
    insert into sessions (
      id, user_id, audience, client_id, client_display_name, client_user_agent, client_ip_address, generation,
      create_time, refresh_time, idle_expire_time, expire_time, end_time, end_reason, purge_time
    )
    select
      gen_random_uuid(), user_id, 'https://api.example.com', 'web', '', 'Mozilla/5.0', '192.0.2.1', 4,
      at, at + used, at + used + interval '7 days', at + interval '30 days',
      case when ended then at + used end, case when ended then 'revoked' end, at + interval '37 days'
    from (
      select id as user_id, n
      from users, generate_series(1, 2) as n
      union all
      select ${oldestWithEmail}, n
      from generate_series(1, 200) as n
    ) as owned
    cross join lateral (
      select
        now() - random() * interval '38 days' as at,
        random() * interval '23 days' as used,
        n % 5 = 0 as ended
      where user_id is not null
    ) as life
  `);
  await client.query(`
    with ended as (
      update users
      set session_epoch = 1
      where create_time < now() - interval '100 days'
        and id <> ${oldestWithEmail}
      returning id
    )
    insert into session_ends (user_id, epoch, end_time, end_reason)
    select id, 0, now(), 'revoked'
    from ended
  `);
  await client.query(`
    insert into signing_keys (
      id, sequence, algorithm, public_jwk, wrapped_private_key, create_time, activate_time
    )
    select gen_random_uuid(), n, 'ES256', '{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}', 'wrapped', now(), now()
    from generate_series(1, 3) as n
  `);
  await client.query(`
    with accounts as (
      insert into service_accounts (id, name, display_name, roles, create_time, update_time, version)
      select gen_random_uuid(), 'account-' || n, '', '{verifier}', now() - n * interval '1 minute', now(), 1
      from generate_series(1, 5000) as n
      returning id
    )
    insert into service_account_keys (id, account_id, display_name, digest, create_time)
    select gen_random_uuid(), id, '', 'digest', now()
    from accounts, generate_series(1, 4)
  `);
  await client.query(`
    insert into account_attempts (account, attempt_id, failures, lock_end_time, forget_time)
    select
      case when n % 2 = 0 then 'users/' || gen_random_uuid() else 'names/' || md5('name' || n) end,
      gen_random_uuid(), n % 12, now(), case when n % 2 = 1 then now() + (n - 500) * interval '1 minute' end
    from generate_series(1, ${population}) as n
  `);
  await client.query(`
    insert into devices (id, user_id, digest, create_time, purge_time)
    select
      gen_random_uuid(), user_id, md5('device' || n || user_id), now(), now() + (random() * 600 - 1) * interval '1 hour'
    from (
      select id as user_id, n
      from users, generate_series(1, 2) as n
      union all
      select ${oldestWithEmail}, n
      from generate_series(3, 10) as n
    ) as owned
  `);
  await client.query(`
    insert into network_attempts (network, attempt_id, failures, window_end_time)
    select '198.' || n % 200 || '.' || n / 200 || '.0/24', gen_random_uuid(), n % 300, now() + (n - 100) * interval '1 second'
    from generate_series(1, 40000) as n
  `);
  await populateEvents(client, population, oldestWithEmail);
  await client.query("vacuum (analyze)");
}

/** Arguments for every query: a user in the middle, and pages at the beginning, near it, and near the end. */
export async function argumentsOf(
  client: Client,
  pool: DatabasePool,
): Promise<Omit<Arguments, "emailPrefixes">> {
  const [early, late] = [await placed(client, 99), await placed(client, population - 100)];
  const [from, to] = [await placed(client, 0.2 * population), await placed(client, 0.8 * population)];
  const { rows } = await client.query(
    "select id, email_key, username_key from users where email_key is not null order by create_time limit 1",
  );
  const [{ id, email_key, username_key }] = rows;
  const user = await new CockroachRepository(pool).read(aCall()).users.find({ kind: "id", id });
  if (user === undefined) throw new Error("there are no users");
  const { rows: others } = await client.query("select id from users where email_key is null limit 1");
  return {
    user,
    userWithoutPassword: others[0].id,
    newId: randomUUID,
    keys: [
      { kind: "id", id },
      { kind: "email", key: email_key },
      { kind: "username", key: username_key },
    ],
    cursors: [undefined, early, late],
    createdAfter: from.createTime,
    createdBefore: to.createTime,
    limit: 51,
  };
}

/** Arguments for every query of sessions: a user with many of them. */
export async function sessionArgumentsOf(client: Client): Promise<SessionArguments> {
  const { rows } = await client.query(`
    select id, user_id as "userId", create_time as "createTime", generation::int4
    from sessions
    where user_id = ${oldestWithEmail}
      and end_time is null
      and idle_expire_time > now() + interval '1 hour'
    order by create_time desc
  `);
  return {
    userId: rows[0].userId,
    passwordHash: "hash",
    live: rows.slice(0, 20),
    cursors: [undefined, rows[10], rows.at(-1)],
    newId: randomUUID,
  };
}

/** Arguments for every query of service accounts. */
export async function callerArgumentsOf(client: Client): Promise<CallerArguments> {
  const { rows } = await client.query(
    'select id, create_time as "createTime" from service_accounts order by create_time desc',
  );
  const accountId = rows[0].id;
  const keys = await client.query("select id from service_account_keys where account_id = $1", [accountId]);
  const cursors = [undefined, rows[100], rows.at(-100)];
  return { accountId, keyId: keys.rows[0].id, cursors, newId: randomUUID };
}

/** Times between which a few users were created, and some hundreds. */
export async function spansOf(client: Client): Promise<Pick<Arguments, "createdAfter" | "createdBefore">[]> {
  return Promise.all(
    [10, 1_000].map(async (users) => {
      const from = await placed(client, 0.9 * population);
      const to = await placed(client, 0.9 * population + users);
      return { createdAfter: from.createTime, createdBefore: to.createTime };
    }),
  );
}

/** The time of the user at a place by time, and the id of the one at that place by id. */
async function placed(client: Client, place: number): Promise<PageCursor> {
  const at = async (order: string) => {
    const { rows } = await client.query(
      `select id, create_time from users order by ${order} offset ${place} limit 1`,
    );
    return rows[0] as { id: string; create_time: Date };
  };
  return { createTime: (await at("create_time")).create_time, id: (await at("id")).id };
}
