import type {
  RelationalRepository,
  Repositories,
} from "../../interfaces/relationaldb/relational-repository.ts";
import type { ServiceAccountDraft } from "../../interfaces/relationaldb/service-account-repository.ts";
import type { AuditEvents, EventDetails, EventType } from "../audit/event.ts";
import type { Call } from "../call.ts";
import { DomainError, invalidField } from "../errors.ts";
import { type PageTokens, readPage } from "../page-tokens.ts";
import { Secret } from "../secret.ts";
import type { Policy } from "./policy.ts";
import { Privileges } from "./privileges.ts";
import {
  type ServiceAccount,
  type ServiceAccountKey,
  serviceAccountKeyNotFound,
  serviceAccountNotFound,
} from "./service-account.ts";
import { changedFieldsOf, matchesDraft } from "./service-account-changes.ts";
import type { ServiceAccountKeys } from "./service-account-keys.ts";

export interface CreateServiceAccount {
  readonly name: string;
  readonly displayName: string;
  readonly roles: readonly string[];
}

export interface UpdateServiceAccount {
  readonly id: string;
  readonly displayName: string;
  readonly roles: readonly string[];
  readonly etag: string | undefined;
}

export interface ServiceAccountUpdate {
  readonly account: ServiceAccount;
  /** The keys that the change disabled. */
  readonly disabledKeys: readonly ServiceAccountKey[];
}

export interface CreateServiceAccountKey {
  readonly accountId: string;
  readonly displayName: string;
  readonly expireTime: Date | undefined;
}

export interface ServiceAccountPage {
  readonly accounts: readonly ServiceAccount[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** Work in the same transaction, before the account changes. */
type Preparation = (repositories: Repositories, account: ServiceAccount) => Promise<void>;

const maxKeys = 10;

/** Manages service accounts and their keys. */
export class ServiceAccountService {
  readonly #repository: RelationalRepository;
  readonly #keys: ServiceAccountKeys;
  readonly #privileges: Privileges;
  readonly #pageTokens: PageTokens;
  readonly #events: AuditEvents;
  readonly #newId: () => string;
  readonly #onChange: () => void;

  constructor(dependencies: {
    repository: RelationalRepository;
    keys: ServiceAccountKeys;
    policy: () => Policy;
    pageTokens: PageTokens;
    events: AuditEvents;
    newId: () => string;
    /** Called when a key may have become valid or invalid. */
    onChange: () => void;
  }) {
    this.#repository = dependencies.repository;
    this.#keys = dependencies.keys;
    this.#privileges = new Privileges(dependencies.policy);
    this.#pageTokens = dependencies.pageTokens;
    this.#events = dependencies.events;
    this.#newId = dependencies.newId;
    this.#onChange = dependencies.onChange;
  }

  /** @throws SERVICE_ACCOUNT_NAME_TAKEN, ROLE_UNKNOWN, PERMISSION_DENIED */
  async create(call: Call, { name, displayName, roles }: CreateServiceAccount): Promise<ServiceAccount> {
    this.#privileges.assertKnown(roles);
    this.#privileges.assertMayGive(call, roles);
    const id = this.#newId();
    const event = this.#events.of(call, {
      type: "service-account.created",
      objectId: id,
      changedFields: ["name", ...changedFieldsOf({ displayName: "", roles: [] }, { displayName, roles })],
    });
    return this.#repository.transaction(call, async ({ serviceAccounts, events }) => {
      const account = await serviceAccounts.insert({ id, name, displayName, roles });
      await events.add(event);
      return account;
    });
  }

  /** @throws SERVICE_ACCOUNT_NOT_FOUND */
  async get(call: Call, id: string): Promise<ServiceAccount> {
    const account = await this.#repository.read(call).serviceAccounts.find(id.toLowerCase());
    if (account === undefined) throw serviceAccountNotFound();
    return account;
  }

  /** @throws PAGE_TOKEN_INVALID */
  async list(call: Call, page: { pageSize: number; pageToken: string }): Promise<ServiceAccountPage> {
    const { items, nextPageToken } = await readPage(
      call,
      this.#pageTokens,
      { ...page, scope: "service-accounts", boundTo: "list" },
      (after, limit) => this.#repository.read(call).serviceAccounts.list(after, limit),
    );
    return { accounts: items, nextPageToken };
  }

  /** @throws SERVICE_ACCOUNT_NOT_FOUND, ETAG_MISMATCH, ROLE_UNKNOWN, SERVICE_ACCOUNT_ROLE_UNKNOWN, PERMISSION_DENIED */
  async update(
    call: Call,
    { id, displayName, roles, etag }: UpdateServiceAccount,
  ): Promise<ServiceAccountUpdate> {
    this.#privileges.assertKnown(roles);
    const draft = (account: ServiceAccount) => {
      this.#privileges.assertMayAct(call, account);
      this.#privileges.assertMayAct(call, { caller: account.caller, roles });
      return { displayName, roles, disabled: account.disableTime !== undefined };
    };
    // If the work is retried because the result of the commit was lost, the change is already made, and this keeps the
    // keys that it disabled.
    let disabledKeys: readonly ServiceAccountKey[] = [];
    const account = await this.#change(call, "service-account.updated", id, draft, {
      etag,
      first: async (repositories, account) => {
        disabledKeys = await this.#disableLesserKeys(call, repositories, account, roles);
      },
    });
    return { account, disabledKeys };
  }

  /** @throws SERVICE_ACCOUNT_NOT_FOUND */
  disable(call: Call, id: string): Promise<ServiceAccount> {
    return this.#change(call, "service-account.disabled", id, (account) => ({ ...account, disabled: true }));
  }

  /** @throws SERVICE_ACCOUNT_NOT_FOUND, SERVICE_ACCOUNT_ROLE_UNKNOWN, PERMISSION_DENIED */
  enable(call: Call, id: string): Promise<ServiceAccount> {
    return this.#change(call, "service-account.enabled", id, (account) => {
      this.#privileges.assertMayAct(call, account);
      return { ...account, disabled: false };
    });
  }

  /** @throws SERVICE_ACCOUNT_NOT_FOUND */
  async delete(call: Call, id: string): Promise<void> {
    const objectId = id.toLowerCase();
    await this.#delete(
      call,
      { type: "service-account.deleted", objectId },
      serviceAccountNotFound,
      ({ serviceAccounts }) => serviceAccounts.delete(objectId),
    );
  }

  /**
   * Creates a key. Its text is returned only once.
   * @throws SERVICE_ACCOUNT_NOT_FOUND, EXPIRY_IN_PAST, TOO_MANY_KEYS, SERVICE_ACCOUNT_ROLE_UNKNOWN, PERMISSION_DENIED
   */
  async createKey(
    call: Call,
    { accountId, displayName, expireTime }: CreateServiceAccountKey,
  ): Promise<{ key: ServiceAccountKey; text: Secret }> {
    const id = this.#newId();
    const { text, digest } = this.#keys.make(id);
    const event = this.#events.of(call, { type: "service-account-key.created", objectId: id });
    const key = await this.#repository.transaction(call, async ({ serviceAccounts, events }) => {
      const account = await serviceAccounts.find(accountId.toLowerCase());
      if (account === undefined) throw serviceAccountNotFound();
      this.#privileges.assertMayAct(call, account);
      const others = (await serviceAccounts.listKeys(account.id)).filter((other) => other.id !== id);
      if (others.length >= maxKeys) {
        throw new DomainError(
          "TOO_MANY_KEYS",
          `the service account already has ${maxKeys} keys; delete one first`,
        );
      }
      const made = await serviceAccounts.insertKey({
        id,
        accountId: account.id,
        displayName,
        creator: call.origin.caller,
        digest,
        expireTime,
      });
      if (expireTime !== undefined && expireTime <= made.createTime) {
        throw invalidField("EXPIRY_IN_PAST", "expire_time", "must be in the future");
      }
      await events.add(event);
      return made;
    });
    return { key, text: new Secret(text) };
  }

  /** @throws SERVICE_ACCOUNT_NOT_FOUND */
  async listKeys(call: Call, accountId: string): Promise<ServiceAccountKey[]> {
    const { id } = await this.get(call, accountId);
    return this.#repository.read(call).serviceAccounts.listKeys(id);
  }

  /** @throws SERVICE_ACCOUNT_KEY_NOT_FOUND */
  async disableKey(call: Call, id: string): Promise<ServiceAccountKey> {
    const objectId = id.toLowerCase();
    const event = this.#events.of(call, { type: "service-account-key.disabled", objectId });
    const disabling = await this.#repository.transaction(call, async ({ serviceAccounts, events }) => {
      const disabling = await serviceAccounts.disableKey(objectId);
      if (disabling?.disabled) await events.add(event);
      return disabling;
    });
    this.#onChange();
    if (disabling === undefined) throw serviceAccountKeyNotFound();
    return disabling.key;
  }

  /** @throws SERVICE_ACCOUNT_KEY_NOT_FOUND */
  async deleteKey(call: Call, id: string): Promise<void> {
    const objectId = id.toLowerCase();
    await this.#delete(
      call,
      { type: "service-account-key.deleted", objectId },
      serviceAccountKeyNotFound,
      ({ serviceAccounts }) => serviceAccounts.deleteKey(objectId),
    );
  }

  async #delete(
    call: Call,
    happening: EventDetails,
    notFound: () => DomainError,
    work: (repositories: Repositories) => Promise<boolean>,
  ): Promise<void> {
    // If the work is retried because the result of the commit was lost, the row is already deleted.
    let deleted = false;
    const event = this.#events.of(call, happening);
    await this.#repository.transaction(call, async (repositories) => {
      if (!(await work(repositories))) return;
      await repositories.events.add(event);
      deleted = true;
    });
    this.#onChange();
    if (!deleted) throw notFound();
  }

  async #change(
    call: Call,
    type: EventType,
    id: string,
    draft: (account: ServiceAccount) => ServiceAccountDraft,
    { etag, first }: { readonly etag?: string | undefined; readonly first?: Preparation } = {},
  ): Promise<ServiceAccount> {
    const changed = await this.#repository.transaction(call, async (repositories) => {
      const { serviceAccounts, events } = repositories;
      const account = await serviceAccounts.find(id.toLowerCase());
      if (account === undefined) throw serviceAccountNotFound();
      const wanted = draft(account);
      // Before the etag is checked: this very change may be already made, and its result lost.
      if (matchesDraft(account, wanted)) return account;
      account.assertEtag(etag);
      await first?.(repositories, account);
      const changed = await serviceAccounts.update(account, wanted);
      const happening = { type, objectId: account.id, changedFields: changedFieldsOf(account, wanted) };
      await events.add(this.#events.of(call, happening));
      return changed;
    });
    this.#onChange();
    return changed;
  }

  async #disableLesserKeys(
    call: Call,
    { serviceAccounts, events }: Repositories,
    account: ServiceAccount,
    roles: readonly string[],
  ): Promise<readonly ServiceAccountKey[]> {
    const disabled: ServiceAccountKey[] = [];
    for (const { id } of await this.#privileges.keysOfLessPrivilegedCreators(
      call,
      serviceAccounts,
      account,
      roles,
    )) {
      const disabling = await serviceAccounts.disableKey(id);
      if (disabling === undefined) continue;
      disabled.push(disabling.key);
      await events.add(this.#events.of(call, { type: "service-account-key.disabled", objectId: id }));
    }
    return disabled;
  }
}
