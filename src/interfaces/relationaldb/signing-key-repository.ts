import type { SigningKeyRow } from "../../domain/signing-key/signing-key.ts";

/** The signing keys, at a moment of the database's clock. */
export interface SigningKeyList {
  /** Sorted by sequence. */
  readonly keys: readonly SigningKeyRow[];
  readonly time: Date;
}

/**
 * A key to be added. It becomes active immediately or after a delay, but never before its latest predecessor that is
 * not revoked.
 */
export interface NewSigningKey extends Omit<SigningKeyRow, "createTime" | "activateTime" | "revokeTime"> {
  readonly activateAfterMs: number;
}

export interface SigningKeyReader {
  list(): Promise<SigningKeyList>;
}

/** Stores the keys that all instances sign with. */
export interface SigningKeyRepository extends SigningKeyReader {
  /**
   * Adds a key if its sequence is free. Of several concurrent calls with the same sequence, one succeeds. Returns
   * whether this one did.
   */
  add(key: NewSigningKey): Promise<boolean>;

  /** Replaces the wrapped private key of a key if it is still `current`. Returns whether it was. */
  rewrap(id: string, current: Uint8Array, wrapped: Uint8Array): Promise<boolean>;

  /**
   * Permanently revokes a key: its private key is erased, and it stays listed until it is removed. Returns whether it
   * existed and was not revoked before.
   */
  revoke(id: string): Promise<boolean>;

  /** Activates a key now, if it would become active later. */
  activate(id: string): Promise<void>;

  /** Deletes keys by id. */
  remove(ids: readonly string[]): Promise<void>;
}
