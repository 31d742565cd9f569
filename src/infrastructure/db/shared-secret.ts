import { randomBytes } from "node:crypto";
import { type CommonQueryMethods, sql } from "slonik";
import { z } from "zod";
import type { WrappingKeys } from "../crypto/wrapping-keys.ts";
import { databaseError, sqlState } from "./sql-state.ts";

const secretRow = z.object({ secret: z.instanceof(Buffer) });

const storedRow = z.object({ name: z.string(), secret: z.instanceof(Buffer) });

/** A shared secret in its stored form. */
export interface StoredSecret {
  readonly name: string;
  readonly wrapped: Buffer;
  /** The purpose that it is bound to as AAD; required to unwrap it. */
  readonly boundTo: string;
}

/** Reads every shared secret in its stored form, sorted by name. */
export async function storedSecrets(connection: CommonQueryMethods): Promise<StoredSecret[]> {
  const rows = await connection.any(sql.type(storedRow)`
    select name, secret
    from shared_secrets
    order by name
  `);
  return rows.map(({ name: stored, secret: wrapped }) => {
    const name = stored.replace(/:wrapped$/, "");
    return { name, wrapped, boundTo: boundTo(name) };
  });
}

/**
 * Returns a 256-bit secret that all instances on one database share under a name; the first instance to ask creates
 * it. It is stored wrapped, and is wrapped again if an old wrapping key wraps it.
 * @throws Error if none of this process's wrapping keys opens it
 */
export async function sharedSecret(
  connection: CommonQueryMethods,
  wrappingKeys: WrappingKeys,
  name: string,
): Promise<Buffer> {
  const stored = `${name}:wrapped`;
  const known = await connection.maybeOne(sql.type(secretRow)`
    select secret
    from shared_secrets
    where name = ${stored}
  `);
  if (known) {
    const secret = wrappingKeys.unwrap(known.secret, boundTo(name));
    if (!wrappingKeys.isCurrent(known.secret)) {
      await rewrap(connection, stored, known.secret, wrappingKeys.wrap(secret, boundTo(name)));
    }
    return secret;
  }
  const wrapped = Buffer.from(wrappingKeys.wrap(randomBytes(32), boundTo(name)));
  try {
    await connection.query(sql.unsafe`
      insert into shared_secrets (name, secret, create_time)
      values (${stored}, ${sql.binary(wrapped)}, now())
      on conflict (name) do nothing
    `);
  } catch (error) {
    // Another instance created it at the same moment.
    if (databaseError(error)?.code !== sqlState.serializationFailure) throw error;
  }
  return sharedSecret(connection, wrappingKeys, name);
}

async function rewrap(connection: CommonQueryMethods, stored: string, current: Buffer, wrapped: Uint8Array) {
  await connection.query(sql.unsafe`
    update shared_secrets
    set secret = ${sql.binary(Buffer.from(wrapped))}
    where name = ${stored}
      and secret = ${sql.binary(current)}
  `);
}

/** The purpose that a secret is bound to: it does not unwrap under another name. */
function boundTo(name: string): string {
  return `shared-secret/1/${name}`;
}
