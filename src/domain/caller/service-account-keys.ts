/** A key as presented by a caller: parsed, but not yet looked up. */
export interface PresentedKey {
  readonly id: string;
  /** The digest to compare with the stored one. */
  readonly digest: Uint8Array;
}

/**
 * Creates and parses the keys of service accounts. A key begins with a prefix by which secret scanners find it,
 * contains its id and 224 random bits, and ends in a checksum that only this service can compute. A forged or truncated
 * key is refused without a database query.
 */
export interface ServiceAccountKeys {
  /** Creates a key with this id, and the digest to store. */
  make(id: string): { readonly text: string; readonly digest: Uint8Array };

  /** Undefined unless `make` of this service, or of an instance with the same secret, returned the text. */
  read(text: string): PresentedKey | undefined;

  /** Whether two digests are equal, in constant time. */
  equal(one: Uint8Array, other: Uint8Array): boolean;

  /** An identifier for a text, to cache by, that reveals nothing of it. */
  fingerprint(text: string): string;
}
