/**
 * The baseline of ImportUsers: the same rows into the same three tables by `pg` alone, one transaction a batch, each table by
 * one prepared `insert … select … from unnest`, on so many connections at once. Nothing is parsed, checked or claimed. Prints
 * users/s.
 */
import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { batchesOf, batchRows, type Mover } from "./movers.ts";

const [uri = "", round = "", connections = "1", batches = "20"] = process.argv.slice(2);

const users = `
  insert into users (
    id, email, email_key, username, username_key, display_name, attributes, create_time, update_time, version
  )
  select id, email, email, username, username, display_name, attributes, now(), now(), 1
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[])
    as given (id, email, username, display_name, attributes)
  on conflict do nothing
  returning id`;
const credentials = `
  insert into credentials (user_id, password_hash, create_time, update_time)
  select user_id, password_hash, now(), now()
  from unnest($1::uuid[], $2::text[]) as given (user_id, password_hash)`;
const events = `
  insert into events (
    id, position, clock, create_time, purge_time, type, outcome, user_id, object_id, changed_fields, caller, address,
    client_address, request_id
  )
  select
    id, 0, (extract(epoch from clock_timestamp()) * 1000000)::int8, clock_timestamp(),
    clock_timestamp() + interval '90 days', 'user.imported', 'success', user_id, '',
    '["email","username","display_name","attributes","password"]', 'anonymous', '127.0.0.1', '', $3
  from unnest($1::uuid[], $2::uuid[]) as given (id, user_id)`;

async function insert(client: Client, batch: readonly Mover[]): Promise<void> {
  const ids = batch.map(() => randomUUID());
  const column = (of: (mover: Mover) => unknown) => batch.map(of);
  const attributes = column((mover) => JSON.stringify(mover.attributes));
  await client.query("start transaction isolation level serializable");
  await client.query({
    name: "users",
    text: users,
    values: [
      ids,
      column(({ email }) => email),
      column(({ username }) => username),
      column(({ displayName }) => displayName),
      attributes,
    ],
  });
  const hashes = column(({ passwordHash }) => passwordHash);
  await client.query({ name: "credentials", text: credentials, values: [ids, hashes] });
  const eventIds = batch.map(() => randomUUID());
  await client.query({ name: "events", text: events, values: [eventIds, ids, randomUUID()] });
  await client.query("commit");
}

/** The service gives events their places meanwhile: a batch that met it is made again, as the service makes its own. */
async function isInserted(client: Client, batch: readonly Mover[]): Promise<boolean> {
  try {
    await insert(client, batch);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "40001") return false;
    throw error;
  }
}

const lanes = await Promise.all(
  Array.from({ length: Number(connections) }, async (_, lane) => {
    const client = new Client({ connectionString: uri });
    await client.connect();
    return { client, batches: batchesOf(`${round}-${lane}`, Number(batches)) };
  }),
);
const startedAt = performance.now();
await Promise.all(
  lanes.map(async ({ client, batches }) => {
    for (const batch of batches) {
      while (!(await isInserted(client, batch))) await client.query("rollback");
    }
  }),
);
const seconds = (performance.now() - startedAt) / 1_000;
const inserted = lanes.flatMap(({ batches }) => batches).length * batchRows;
process.stdout.write(JSON.stringify({ perSecond: inserted / seconds, users: inserted }));
await Promise.all(lanes.map(({ client }) => client.end()));
