import type { KeyObject } from "node:crypto";
import type { PublicJwk, SigningAlgorithm } from "../../src/domain/signing-key/signing-key.ts";
import { signJws } from "../../src/infrastructure/crypto/jws-signatures.ts";
import { keyPairOf, NodeSigningKeyPairs } from "../../src/infrastructure/crypto/signing-key-pairs.ts";
import { WrappingKeys } from "../../src/infrastructure/crypto/wrapping-keys.ts";
import type { TwoServices } from "./two-services.ts";

/** A signing key as only somebody has it who has both the database and the wrapping key. */
export interface StolenKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly publicJwk: PublicJwk;
  readonly privateKey: KeyObject;
  readonly sequence: number;
}

/** All keys of a database, the oldest first. */
export async function stolenKeys(services: TwoServices): Promise<StolenKey[]> {
  const pairs = new NodeSigningKeyPairs(WrappingKeys.parse(services.wrappingKey));
  const rows = await services.query("select * from signing_keys order by sequence");
  return rows.map((row) => {
    const opened = pairs.open({
      id: row["id"] as string,
      sequence: Number(row["sequence"]),
      algorithm: row["algorithm"] as SigningAlgorithm,
      publicJwk: row["public_jwk"] as PublicJwk,
      wrappedPrivateKey: row["wrapped_private_key"] as Buffer,
      createTime: row["create_time"] as Date,
      activateTime: row["activate_time"] as Date,
    });
    const { id: kid, algorithm, publicJwk, sequence } = opened;
    return { kid, algorithm, publicJwk, sequence, privateKey: keyPairOf(opened).privateKey };
  });
}

/** A token of a header and a payload, whatever they are. */
export function signedBy(
  { algorithm, privateKey }: StolenKey,
  ...parts: readonly [header: string | Buffer, payload: string | Buffer]
): string {
  const input = parts.map((part) => Buffer.from(part as string).toString("base64url")).join(".");
  return `${input}.${signJws(algorithm, privateKey, Buffer.from(input)).toString("base64url")}`;
}
