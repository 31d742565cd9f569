import { randomBytes } from "node:crypto";
import { type CommonQueryMethods, sql } from "slonik";
import { z } from "zod";
import { databaseError, sqlState } from "./sql-state.ts";

const secretRow = z.object({ secret: z.instanceof(Buffer) });

/** A 256-bit secret that all instances on one database share under a name; the first that asks makes it. */
export async function sharedSecret(connection: CommonQueryMethods, name: string): Promise<Buffer> {
  const known = await connection.maybeOne(sql.type(secretRow)`
    select secret
    from shared_secrets
    where name = ${name}
  `);
  if (known) return known.secret;
  try {
    await connection.query(sql.unsafe`
      insert into shared_secrets (name, secret, create_time)
      values (${name}, ${sql.binary(randomBytes(32))}, now())
      on conflict (name) do nothing
    `);
  } catch (error) {
    // Another instance made it at the same moment.
    if (databaseError(error)?.code !== sqlState.serializationFailure) throw error;
  }
  return sharedSecret(connection, name);
}
