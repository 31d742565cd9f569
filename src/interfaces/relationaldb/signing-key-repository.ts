import type { SigningKeyRow } from "../../domain/signing-key/signing-key.ts";

/** The signing keys at a moment of the database's clock. */
export interface SigningKeyList {
  /** By sequence. */
  readonly keys: readonly SigningKeyRow[];
  readonly time: Date;
}

/** A key that is to be added: active as soon as it is added, or after a pause, but never before the key before it. */
export interface NewSigningKey extends Omit<SigningKeyRow, "createTime" | "activateTime"> {
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

  /** Forgets the keys of these ids. */
  remove(ids: readonly string[]): Promise<void>;
}
