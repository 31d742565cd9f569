import type { ServiceAccount, ServiceAccountKey } from "../../domain/caller/service-account.ts";
import type { PageCursor } from "../../domain/page-tokens.ts";

/** The new values of an account. */
export interface ServiceAccountDraft {
  readonly displayName: string;
  readonly roles: readonly string[];
  /** Whether its keys are refused. */
  readonly disabled: boolean;
}

export interface NewServiceAccount extends Omit<ServiceAccountDraft, "disabled"> {
  readonly id: string;
  readonly name: string;
}

export interface NewServiceAccountKey {
  readonly id: string;
  readonly accountId: string;
  readonly displayName: string;
  /** The creating caller, as in Origin. */
  readonly creator: string;
  /** Digest of the key itself. */
  readonly digest: Uint8Array;
  readonly expireTime: Date | undefined;
}

/** A key and its account, at a moment of the database's clock. */
export interface KeyAndAccount {
  readonly account: ServiceAccount;
  readonly digest: Uint8Array;
  /** Whether neither the key nor the account is disabled, and the key has not expired. */
  readonly good: boolean;
  readonly expireTime: Date | undefined;
  /** The moment of the read. */
  readonly time: Date;
}

/** The result of disabling a key. */
export interface KeyDisabling {
  /** The key after the call. */
  readonly key: ServiceAccountKey;
  /** Whether this call disabled it; false if it was already disabled. */
  readonly disabled: boolean;
}

export interface ServiceAccountReader {
  find(id: string): Promise<ServiceAccount | undefined>;

  /** The first `limit` accounts after a position, newest first, then by id. */
  list(after: PageCursor | undefined, limit: number): Promise<ServiceAccount[]>;

  /** A key by its id, with its account, in one statement. */
  findKey(id: string): Promise<KeyAndAccount | undefined>;

  /** The keys of an account, newest first. */
  listKeys(accountId: string): Promise<ServiceAccountKey[]>;
}

/** Stores service accounts and their keys. */
export interface ServiceAccountRepository extends ServiceAccountReader {
  /**
   * Adds an account at version 1. If repeated with the same id, returns the account that it added.
   * @throws SERVICE_ACCOUNT_NAME_TAKEN
   */
  insert(account: NewServiceAccount): Promise<ServiceAccount>;

  /**
   * Writes a draft if the account is still at the given version, and increments the version.
   * @throws CONTENTION if it is not
   */
  update(account: ServiceAccount, draft: ServiceAccountDraft): Promise<ServiceAccount>;

  /** Deletes an account with its keys. Returns whether it existed. */
  delete(id: string): Promise<boolean>;

  /** Adds a key to an existing account. If repeated with the same id, returns the key that it added. */
  insertKey(key: NewServiceAccountKey): Promise<ServiceAccountKey>;

  /** Disables a key, if it is not yet disabled. Returns undefined if it does not exist. */
  disableKey(id: string): Promise<KeyDisabling | undefined>;

  /** Returns whether the key existed. */
  deleteKey(id: string): Promise<boolean>;

  /** Records that keys have just been used. */
  touchKeys(ids: readonly string[]): Promise<void>;
}
