/** A key as a caller shows it, read but not yet looked up. */
export interface ShownKey {
  readonly id: string;
  /** What is stored of the key, where it is one of ours. */
  readonly digest: Uint8Array;
}

/**
 * The keys of service accounts as texts. One begins with a prefix by which scanners find it where it has leaked, holds its
 * id and 256 random bits, and ends in a checksum, so that one that was cut off is told from one that was revoked.
 */
export interface ServiceAccountKeys {
  /** A new key of this id, and what is to be stored of it. */
  make(id: string): { readonly text: string; readonly digest: Uint8Array };

  /** Undefined for what is no key, or not all of one. */
  read(text: string): ShownKey | undefined;

  /** Whether two digests are the same, in a time that does not tell how much of them is. */
  equal(one: Uint8Array, other: Uint8Array): boolean;

  /** A name for a text that holds nothing of it, to remember it by. */
  fingerprint(text: string): string;
}
