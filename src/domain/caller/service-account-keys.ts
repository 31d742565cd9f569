/** A key as a caller shows it, read but not yet looked up. */
export interface ShownKey {
  readonly id: string;
  /** What is stored of the key, where it is one of ours. */
  readonly digest: Uint8Array;
}

/**
 * The keys of service accounts as texts. A key begins with a prefix by which secret scanners find it, holds its id and 224
 * random bits, and ends in a checksum that only this service can compute: a forged or truncated key is refused without a
 * look into the database.
 */
export interface ServiceAccountKeys {
  /** A new key of this id, and what is to be stored of it. */
  make(id: string): { readonly text: string; readonly digest: Uint8Array };

  /** Undefined unless `make` of this service, or of an instance that shares its secret, returned the text. */
  read(text: string): ShownKey | undefined;

  /** Whether two digests are the same, in a time that does not tell how much of them is. */
  equal(one: Uint8Array, other: Uint8Array): boolean;

  /** A name for a text that holds nothing of it, to remember it by. */
  fingerprint(text: string): string;
}
