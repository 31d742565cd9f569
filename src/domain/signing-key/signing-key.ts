export type SigningAlgorithm = "ES256" | "EdDSA";

/** A public key as a JSON Web Key (RFC 7517, RFC 8037): its public members only. */
export interface PublicJwk {
  readonly kty: "EC" | "OKP";
  readonly crv: "P-256" | "Ed25519";
  readonly x: string;
  /** Of EC keys only. */
  readonly y?: string | undefined;
}

/** A signing key as an adapter hands it over. The private key is wrapped: useless to whoever reads the database. */
export interface SigningKeyRow {
  /** Key id (`kid`): UUID. */
  readonly id: string;
  /** 1 for the first key of the database, one more for each later one. */
  readonly sequence: number;
  readonly algorithm: SigningAlgorithm;
  readonly publicJwk: PublicJwk;
  readonly wrappedPrivateKey: Uint8Array;
  readonly createTime: Date;
  /** From when on it signs, until the next key does. */
  readonly activateTime: Date;
  /** Since when nothing that it has signed is good. Its private key is erased. */
  readonly revokeTime?: Date | undefined;
}

/** A signing key that this process can use. Infrastructure keeps what it needs to sign in `handle`. */
export interface SigningKey {
  readonly id: string;
  readonly sequence: number;
  readonly algorithm: SigningAlgorithm;
  readonly publicJwk: PublicJwk;
  readonly activateTime: Date;
  /** Opaque to the domain: the keys in the form in which they sign and check. */
  readonly handle: unknown;
}

/** What a signing key is at a moment, for people. */
export interface SigningKeyStatus {
  readonly id: string;
  readonly sequence: number;
  readonly algorithm: SigningAlgorithm;
  /** Published and to sign next; signing; published still, for what it has signed; about to be forgotten; or revoked. */
  readonly state: "next" | "signing" | "published" | "retired" | "revoked";
  readonly createTime: Date;
  readonly activateTime: Date;
  /** When the next key signs in its place: of the last key, when that is due. */
  readonly deactivateTime: Date;
  /** When nothing that it has signed is good any longer. Undefined while it is the last. */
  readonly retireTime: Date | undefined;
  /** When it was revoked. Undefined if it was not. */
  readonly revokeTime: Date | undefined;
}

/** Makes key pairs and wraps their private halves. */
export interface SigningKeyPairs {
  /** A new key pair, its private key wrapped and bound to the id. */
  generate(
    id: string,
    algorithm: SigningAlgorithm,
  ): { readonly publicJwk: PublicJwk; readonly wrappedPrivateKey: Uint8Array };

  /** The key of a row, unwrapped. @throws where no wrapping key of this process opens it. */
  open(row: SigningKeyRow): SigningKey;

  /** The private key wrapped by the current wrapping key, or undefined where it already is. */
  rewrapped(row: SigningKeyRow): Uint8Array | undefined;
}
