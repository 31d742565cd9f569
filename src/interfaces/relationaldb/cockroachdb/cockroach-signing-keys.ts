import { sql } from "slonik";
import { signingKeysTable } from "../../../infrastructure/db/schema/signing-keys-table.ts";
import type { NewSigningKey, SigningKeyList, SigningKeyRepository } from "../signing-key-repository.ts";
import type { Run } from "./run.ts";

/** Signing keys in SQL. */
export class CockroachSigningKeys implements SigningKeyRepository {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async list(): Promise<SigningKeyList> {
    // At least one row, so that the time is returned even if there are no keys.
    const [first, ...others] = await this.#run((connection) =>
      connection.many(sql.type(signingKeysTable.rowAt)`
        select
          ${signingKeysTable.columns},
          clock.time
        from (select now()::timestamptz(3) as time) as clock
        left join signing_keys on true
        order by signing_keys.sequence
      `),
    );
    if (first === undefined) throw new Error("the query returned no rows");
    const keys = [first, ...others].filter(({ id }) => id !== undefined);
    return { keys: keys.map((row) => signingKeysTable.record.parse(row)), time: first.time };
  }

  async add(key: NewSigningKey): Promise<boolean> {
    const added = await this.#run((connection) =>
      connection.maybeOne(sql.type(signingKeysTable.idRow)`
        insert into signing_keys (
          id,
          sequence,
          algorithm,
          public_jwk,
          wrapped_private_key,
          create_time,
          activate_time
        )
        values (
          ${key.id},
          ${key.sequence},
          ${key.algorithm},
          ${sql.jsonb({ ...key.publicJwk })},
          ${sql.binary(Buffer.from(key.wrappedPrivateKey))},
          now(),
          greatest(
            now() + ${key.activateAfterMs}::int8 * interval '1 millisecond',
            coalesce(
              (
                select activate_time
                from signing_keys
                where sequence < ${key.sequence}
                  and revoke_time is null
                order by sequence desc
                limit 1
              ),
              now()
            )
          )
        )
        on conflict (sequence) do nothing
        returning id
      `),
    );
    return added !== null;
  }

  async rewrap(id: string, current: Uint8Array, wrapped: Uint8Array): Promise<boolean> {
    const replaced = await this.#run((connection) =>
      connection.maybeOne(sql.type(signingKeysTable.idRow)`
        update signing_keys
        set wrapped_private_key = ${sql.binary(Buffer.from(wrapped))}
        where id = ${id}
          and wrapped_private_key = ${sql.binary(Buffer.from(current))}
        returning id
      `),
    );
    return replaced !== null;
  }

  async revoke(id: string): Promise<boolean> {
    const revoked = await this.#run((connection) =>
      connection.maybeOne(sql.type(signingKeysTable.idRow)`
        update signing_keys
        set revoke_time = now(), wrapped_private_key = ${sql.binary(Buffer.alloc(0))}
        where id = ${id}
          and revoke_time is null
        returning id
      `),
    );
    return revoked !== null;
  }

  async activate(id: string): Promise<void> {
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        update signing_keys
        set activate_time = now()
        where id = ${id}
          and activate_time > now()
      `),
    );
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        delete from signing_keys
        where id = any(${sql.array([...ids], "uuid")})
      `),
    );
  }
}
