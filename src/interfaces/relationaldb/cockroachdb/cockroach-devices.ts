import { type FragmentSqlToken, sql } from "slonik";
import { devicesTable } from "../../../infrastructure/db/schema/devices-table.ts";
import type { DeviceRepository, NewDevice } from "../device-repository.ts";
import type { Run } from "./run.ts";

/** Devices in SQL. */
export class CockroachDevices implements DeviceRepository {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async renew({ userId, digest, keptForMs }: NewDevice, before: string): Promise<boolean> {
    const renewed = await this.#run((connection) =>
      connection.maybeOne(sql.type(devicesTable.idRow)`
        update devices
        set digest = ${digest}, create_time = now(), purge_time = ${after(keptForMs)}
        where user_id = ${userId}
          and digest = ${before}
          and purge_time > now()
        returning id
      `),
    );
    return renewed !== null;
  }

  async add({ id, userId, digest, keptForMs }: NewDevice, most: number): Promise<void> {
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        insert into devices (id, user_id, digest, create_time, purge_time)
        values (${id}, ${userId}, ${digest}, now(), ${after(keptForMs)})
        on conflict (user_id, digest) do nothing
      `),
    );
    const all = await this.#run((connection) =>
      connection.any(sql.type(devicesTable.agedRow)`
        select digest, create_time
        from devices
        where user_id = ${userId}
      `),
    );
    const others = all
      .filter((device) => device.digest !== digest)
      .sort((a, b) => b.createTime.getTime() - a.createTime.getTime());
    const surplus = others.slice(most - 1);
    if (surplus.length === 0) return;
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        delete from devices
        where user_id = ${userId}
          and digest = any(${sql.array(
            surplus.map((device) => device.digest),
            "text",
          )})
      `),
    );
  }

  async forgetAll(userId: string): Promise<void> {
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        delete from devices
        where user_id = ${userId}
      `),
    );
  }

  async sweep(limit: number): Promise<number> {
    const expired = await this.#run((connection) =>
      connection.any(sql.type(devicesTable.keyRow)`
        select user_id, digest
        from devices
        where purge_time < now()
        order by purge_time
        limit ${limit}
      `),
    );
    // A separate statement: with the limit in a subquery, PostgreSQL reads, and so locks, the whole table.
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        delete from devices
        using ${sql.unnest(
          expired.map(({ userId, digest }) => [userId, digest]),
          ["uuid", "text"],
        )} as expired (user_id, digest)
        where devices.user_id = expired.user_id
          and devices.digest = expired.digest
      `),
    );
    return expired.length;
  }
}

/** The body of a CTE: the account suffix of the user's device with a digest, for each row of `named`. */
export function knownDevice(digest: string): FragmentSqlToken {
  return sql.fragment`
    select '/devices/' || devices.id::text as suffix
    from named
    join devices on devices.user_id = named.id
    where devices.digest = ${digest}
      and devices.purge_time > now()`;
}

function after(keptForMs: number): FragmentSqlToken {
  return sql.fragment`now() + ${keptForMs}::int8 * interval '1 millisecond'`;
}
