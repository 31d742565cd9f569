import { Client } from "pg";

/** Every row of every table of a database as text: bytes as hex. */
export async function rowsOf(client: Client): Promise<string> {
  const tables = await client.query(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'public'",
  );
  const rows: string[] = [];
  for (const { name } of tables.rows) {
    rows.push(...(await client.query(`select t::text as row from ${name} as t`)).rows.map(({ row }) => row));
  }
  return rows.join("\n");
}

/** The same of a database by its URI. */
export async function rowsAt(uri: string): Promise<string> {
  const client = new Client({ connectionString: uri });
  await client.connect();
  try {
    return await rowsOf(client);
  } finally {
    await client.end();
  }
}
