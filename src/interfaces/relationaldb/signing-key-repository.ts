import type { SigningKeyRow } from "../../domain/signing-key/signing-key.ts";

/** The signing keys at a moment of the database's clock. */
export interface SigningKeyList {
  /** By sequence. */
  readonly keys: readonly SigningKeyRow[];
  readonly time: Date;
}

/**
 * A key that is to be added: active as soon as it is added, or after a pause, but never before the last key before it that
 * is not revoked.
 */
export interface NewSigningKey extends Omit<SigningKeyRow, "createTime" | "activateTime" | "revokeTime"> {
  readonly activateAfterMs: number;
}

export interface SigningKeyReader {
  list(): Promise<SigningKeyList>;
}

/** Keeps the keys that all instances sign with. */
export interface SigningKeyRepository extends SigningKeyReader {
  /** Adds a key where its sequence is free. Of several that add one sequence, one does. Answers whether this did. */
  add(key: NewSigningKey): Promise<boolean>;

  /** Replaces the wrapped private key of a key, where it is still `current`. Answers whether it was. */
  rewrap(id: string, current: Uint8Array, wrapped: Uint8Array): Promise<boolean>;

  /**
   * Permanently revokes a key: its private key is erased, and it stays listed until it is removed. Answers whether it was there
   * and not revoked before.
   */
  revoke(id: string): Promise<boolean>;

  /** Makes a key active now, where it would be later. */
  activate(id: string): Promise<void>;

  /** Forgets the keys of these ids. */
  remove(ids: readonly string[]): Promise<void>;
}
