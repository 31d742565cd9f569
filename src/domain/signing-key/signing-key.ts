export type SigningAlgorithm = "ES256" | "EdDSA";

/** The public members of a JSON Web Key (RFC 7517, RFC 8037). */
export interface PublicJwk {
  readonly kty: "EC" | "OKP";
  readonly crv: "P-256" | "Ed25519";
  readonly x: string;
  /** EC keys only. */
  readonly y?: string | undefined;
}

/**
 * A signing key as returned by a database adapter. The private key is wrapped, so it is useless without the wrapping
 * key.
 */
export interface SigningKeyRow {
  /** Key ID (`kid`): UUID. */
  readonly id: string;
  /** 1 for the first key of the database, incremented for each later key. */
  readonly sequence: number;
  readonly algorithm: SigningAlgorithm;
  readonly publicJwk: PublicJwk;
  readonly wrappedPrivateKey: Uint8Array;
  readonly createTime: Date;
  /** When it starts to sign. It signs until the next key does. */
  readonly activateTime: Date;
  /** When it was revoked: its tokens are refused from then on, and its private key is erased. */
  readonly revokeTime?: Date | undefined;
}

/** A signing key that this process can use. Infrastructure stores what it needs to sign in `handle`. */
export interface SigningKey {
  readonly id: string;
  readonly sequence: number;
  readonly algorithm: SigningAlgorithm;
  readonly publicJwk: PublicJwk;
  readonly activateTime: Date;
  /** Opaque to the domain: the keys in the form used to sign and verify. */
  readonly handle: unknown;
}

/** The status of a signing key at a moment, for display. */
export interface SigningKeyStatus {
  readonly id: string;
  readonly sequence: number;
  readonly algorithm: SigningAlgorithm;
  /**
   * `next`: published, will sign next. `signing`: the current key. `published`: no longer signs, but its tokens may
   * still be valid. `retired`: about to be removed. `revoked`: permanently refused.
   */
  readonly state: "next" | "signing" | "published" | "retired" | "revoked";
  readonly createTime: Date;
  readonly activateTime: Date;
  /** When its successor starts to sign. For the last key: when the successor is due. */
  readonly deactivateTime: Date;
  /** When its last token expires. Undefined while it is the last key. */
  readonly retireTime: Date | undefined;
  /** When it was revoked. Undefined if it is not revoked. */
  readonly revokeTime: Date | undefined;
}

/** Generates key pairs and wraps their private keys. */
export interface SigningKeyPairs {
  /** A new key pair. The private key is wrapped and bound to the id. */
  generate(
    id: string,
    algorithm: SigningAlgorithm,
  ): { readonly publicJwk: PublicJwk; readonly wrappedPrivateKey: Uint8Array };

  /**
   * The unwrapped key of a row.
   * @throws if no wrapping key of this process opens it
   */
  open(row: SigningKeyRow): SigningKey;

  /** The private key wrapped with the current wrapping key, or undefined if it already is. */
  rewrapped(row: SigningKeyRow): Uint8Array | undefined;
}
