import { sql } from "slonik";
import { z } from "zod";
import type { SigningKeyRow } from "../../../domain/signing-key/signing-key.ts";
import { fromColumns } from "./from-columns.ts";

const record = z.object({
  id: z.uuid(),
  sequence: z.int(),
  algorithm: z.enum(["ES256", "EdDSA"]),
  publicJwk: z.object({
    kty: z.enum(["EC", "OKP"]),
    crv: z.enum(["P-256", "Ed25519"]),
    x: z.string(),
    y: z.string().optional(),
  }),
  wrappedPrivateKey: z.instanceof(Buffer),
  createTime: z.date(),
  activateTime: z.date(),
  revokeTime: z.date().optional(),
}) satisfies z.ZodType<SigningKeyRow>;

/** The table of signing keys, created by migrations/0007-signing-keys.ts and 0013-revoked-signing-keys.ts. */
export const signingKeysTable = {
  /** A key with the database's time, or only the time if there is no key. */
  rowAt: fromColumns(z.object({ ...record.partial().shape, time: z.date() })),
  record,
  idRow: fromColumns(z.object({ id: z.uuid() })),
  columns: sql.fragment`
    signing_keys.id,
    signing_keys.sequence,
    signing_keys.algorithm,
    signing_keys.public_jwk,
    signing_keys.wrapped_private_key,
    signing_keys.create_time,
    signing_keys.activate_time,
    signing_keys.revoke_time`,
  /** The IDs of the revoked keys that are still stored, as one JSON array. */
  revokedIds: sql.fragment`
    coalesce(
      (
        select jsonb_agg(signing_keys.id)
        from signing_keys
        where signing_keys.revoke_time is not null
      ),
      '[]'
    )::jsonb`,
} as const;
