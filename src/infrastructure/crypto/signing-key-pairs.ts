import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type {
  PublicJwk,
  SigningAlgorithm,
  SigningKey,
  SigningKeyPairs,
  SigningKeyRow,
} from "../../domain/signing-key/signing-key.ts";
import type { WrappingKeys } from "./wrapping-keys.ts";

/**
 * Key pairs with node:crypto: ES256 on P-256 (RFC 7518 §3.4), EdDSA on Ed25519 (RFC 8037). Private keys are wrapped
 * as PKCS#8.
 */
export class NodeSigningKeyPairs implements SigningKeyPairs {
  readonly #wrappingKeys: WrappingKeys;

  constructor(wrappingKeys: WrappingKeys) {
    this.#wrappingKeys = wrappingKeys;
  }

  generate(id: string, algorithm: SigningAlgorithm) {
    const { publicKey, privateKey } =
      algorithm === "ES256"
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : generateKeyPairSync("ed25519");
    const der = privateKey.export({ format: "der", type: "pkcs8" });
    try {
      return {
        publicJwk: toPublicJwk(publicKey),
        wrappedPrivateKey: this.#wrappingKeys.wrap(der, purpose({ id, algorithm })),
      };
    } finally {
      der.fill(0);
    }
  }

  /**
   * @throws Error if the private key does not unwrap, has another algorithm than the row, or does not match its
   * public key
   */
  open(row: SigningKeyRow): SigningKey {
    const der = this.#unwrap(row);
    try {
      const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
      const publicKey = createPublicKey(privateKey);
      if (!isOf(row.algorithm, publicKey) || !sameJwk(toPublicJwk(publicKey), row.publicJwk)) {
        throw new Error(`signing key ${row.id}: the private key does not match the public key`);
      }
      return {
        id: row.id,
        sequence: row.sequence,
        algorithm: row.algorithm,
        publicJwk: row.publicJwk,
        activateTime: row.activateTime,
        handle: new KeyPair(privateKey, publicKey),
      };
    } finally {
      der.fill(0);
    }
  }

  rewrapped(row: SigningKeyRow): Uint8Array | undefined {
    if (this.#wrappingKeys.isCurrent(row.wrappedPrivateKey)) return undefined;
    const der = this.#unwrap(row);
    try {
      return this.#wrappingKeys.wrap(der, purpose(row));
    } finally {
      der.fill(0);
    }
  }

  #unwrap(row: SigningKeyRow): Buffer {
    try {
      return this.#wrappingKeys.unwrap(row.wrappedPrivateKey, purpose(row));
    } catch (cause) {
      throw new Error(`signing key ${row.id}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** Both keys of a pair as node:crypto's objects, which do not reveal key material when printed. */
export class KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;

  constructor(privateKey: KeyObject, publicKey: KeyObject) {
    this.privateKey = privateKey;
    this.publicKey = publicKey;
  }
}

/**
 * The key pair of a key that `NodeSigningKeyPairs` has opened.
 * @throws TypeError if the key is from elsewhere
 */
export function keyPairOf({ id, handle }: SigningKey): KeyPair {
  if (handle instanceof KeyPair) return handle;
  throw new TypeError(`signing key ${id} was not opened by NodeSigningKeyPairs`);
}

/** The purpose that a private key is bound to as AAD: it does not unwrap in another row or for another algorithm. */
function purpose({ id, algorithm }: Pick<SigningKeyRow, "id" | "algorithm">): string {
  return `signing-key/1/${id}/${algorithm}`;
}

function isOf(algorithm: SigningAlgorithm, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  return algorithm === "ES256"
    ? asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1"
    : asymmetricKeyType === "ed25519";
}

function toPublicJwk(publicKey: KeyObject): PublicJwk {
  const { kty, x = "", y } = publicKey.export({ format: "jwk" });
  return kty === "EC" ? { kty, crv: "P-256", x, y } : { kty: "OKP", crv: "Ed25519", x };
}

function sameJwk(a: PublicJwk, b: PublicJwk): boolean {
  return a.kty === b.kty && a.crv === b.crv && a.x === b.x && a.y === b.y;
}
