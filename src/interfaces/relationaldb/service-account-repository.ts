import type { ServiceAccount, ServiceAccountKey } from "../../domain/caller/service-account.ts";
import type { PageCursor } from "../../domain/page-tokens.ts";

/** What is to be stored of an account. */
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
  /** The caller that creates it, as in Origin. */
  readonly creator: string;
  /** What is stored of the key itself. */
  readonly digest: Uint8Array;
  readonly expireTime: Date | undefined;
}

/** A key and its account at a moment of the database's clock. */
export interface KeyAndAccount {
  readonly account: ServiceAccount;
  readonly digest: Uint8Array;
  /** Neither the key nor the account is disabled, and the key has not expired. */
  readonly good: boolean;
  readonly expireTime: Date | undefined;
  /** The moment. */
  readonly time: Date;
}

/** What became of a key that was to be disabled. */
export interface KeyDisabling {
  /** As it is then. */
  readonly key: ServiceAccountKey;
  /** Whether this has disabled it, and not something before. */
  readonly disabled: boolean;
}

export interface ServiceAccountReader {
  find(id: string): Promise<ServiceAccount | undefined>;

  /** The first `limit` accounts after a place, youngest first, then by id. */
  list(after: PageCursor | undefined, limit: number): Promise<ServiceAccount[]>;

  /** The key of an id with its account, by one statement. */
  findKey(id: string): Promise<KeyAndAccount | undefined>;

  /** The keys of an account, youngest first. */
  listKeys(accountId: string): Promise<ServiceAccountKey[]>;
}

/** Keeps the callers that are known by keys. */
export interface ServiceAccountRepository extends ServiceAccountReader {
  /**
   * Adds an account at version 1. Said again with the same id, it answers the account that it added.
   * @throws SERVICE_ACCOUNT_NAME_TAKEN
   */
  insert(account: NewServiceAccount): Promise<ServiceAccount>;

  /** Makes an account what the draft says, where it is still at that version, and counts the version up. @throws CONTENTION */
  update(account: ServiceAccount, draft: ServiceAccountDraft): Promise<ServiceAccount>;

  /** Deletes an account with its keys. Answers whether there was one. */
  delete(id: string): Promise<boolean>;

  /** Adds a key to an account that there is. Said again with the same id, it answers the key that it added. */
  insertKey(key: NewServiceAccountKey): Promise<ServiceAccountKey>;

  /** Disables a key, where it is not yet. Answers undefined where there is none. */
  disableKey(id: string): Promise<KeyDisabling | undefined>;

  /** Answers whether there was one. */
  deleteKey(id: string): Promise<boolean>;

  /** Notes that keys have just been used. */
  touchKeys(ids: readonly string[]): Promise<void>;
}
