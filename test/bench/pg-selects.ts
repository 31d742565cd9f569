/** The baseline of GetUser: point selects by `pg` alone, prepared, 64 in flight on 10 connections. Prints selects/s and their CPU. */
import { Pool } from "pg";

const [uri = "", seconds = "3", ids = "[]"] = process.argv.slice(2);
const userIds: string[] = JSON.parse(ids);
const pool = new Pool({ connectionString: uri, max: 10 });
const endsAt = performance.now() + Number(seconds) * 1_000;
let done = 0;

async function lane(index: number): Promise<void> {
  for (let i = index; performance.now() < endsAt; i += 64) {
    const { rows } = await pool.query({
      name: "user",
      text: `select id, email, email_key, username, username_key, display_name, attributes, suspend_reason, suspend_time,
               suspend_until_time, create_time, update_time, delete_time, version
             from users
             where id = $1`,
      values: [userIds[i % userIds.length]],
    });
    if (rows.length !== 1) throw new Error("no such user");
    done += 1;
  }
}

const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
await Promise.all(Array.from({ length: 64 }, (_, index) => lane(index)));
const { user, system } = process.cpuUsage(cpuBefore);
const perSecond = done / ((performance.now() - startedAt) / 1_000);
process.stdout.write(JSON.stringify({ perSecond, cpuMicros: (user + system) / done }));
await pool.end();
