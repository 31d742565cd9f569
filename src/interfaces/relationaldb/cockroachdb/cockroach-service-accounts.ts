import { sql } from "slonik";
import { ServiceAccount, type ServiceAccountKey } from "../../../domain/caller/service-account.ts";
import { DomainError } from "../../../domain/errors.ts";
import type { PageCursor } from "../../../domain/page-tokens.ts";
import {
  serviceAccountKeysTable,
  serviceAccountsTable,
} from "../../../infrastructure/db/schema/service-accounts-table.ts";
import type {
  KeyAndAccount,
  KeyDisabling,
  NewServiceAccount,
  NewServiceAccountKey,
  ServiceAccountDraft,
  ServiceAccountRepository,
} from "../service-account-repository.ts";
import type { Run } from "./run.ts";

/** Service accounts and their keys in SQL. */
export class CockroachServiceAccounts implements ServiceAccountRepository {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async find(id: string): Promise<ServiceAccount | undefined> {
    const row = await this.#run((connection) =>
      connection.maybeOne(sql.type(serviceAccountsTable.row)`
        select ${serviceAccountsTable.columns}
        from service_accounts
        where id = ${id}
      `),
    );
    return row === null ? undefined : ServiceAccount.fromRow(row);
  }

  async list(after: PageCursor | undefined, limit: number): Promise<ServiceAccount[]> {
    const later =
      after === undefined
        ? sql.fragment``
        : sql.fragment`where (create_time, id) < (${after.createTime.toISOString()}::timestamptz, ${after.id}::uuid)`;
    const rows = await this.#run((connection) =>
      connection.any(sql.type(serviceAccountsTable.row)`
        select ${serviceAccountsTable.columns}
        from service_accounts
        ${later}
        order by create_time desc, id desc
        limit ${limit}
      `),
    );
    return rows.map((row) => ServiceAccount.fromRow(row));
  }

  async findKey(id: string): Promise<KeyAndAccount | undefined> {
    const row = await this.#run((connection) =>
      connection.maybeOne(sql.type(serviceAccountsTable.rowWithKey)`
        select
          ${serviceAccountsTable.columns},
          service_account_keys.digest,
          service_account_keys.expire_time,
          (
            service_accounts.disable_time is null
            and service_account_keys.disable_time is null
            and (service_account_keys.expire_time is null or service_account_keys.expire_time > now())
          ) as good,
          now()::timestamptz(3) as time
        from service_account_keys
        join service_accounts on service_accounts.id = service_account_keys.account_id
        where service_account_keys.id = ${id}
      `),
    );
    if (row === null) return undefined;
    const { digest, good, expireTime, time, ...account } = row;
    return { account: ServiceAccount.fromRow(account), digest, good, expireTime, time };
  }

  async listKeys(accountId: string): Promise<ServiceAccountKey[]> {
    const keys = await this.#run((connection) =>
      connection.any(sql.type(serviceAccountKeysTable.row)`
        select ${serviceAccountKeysTable.columns}
        from service_account_keys
        where account_id = ${accountId}
        order by create_time desc, id desc
      `),
    );
    return [...keys];
  }

  async insert({ id, name, displayName, roles }: NewServiceAccount): Promise<ServiceAccount> {
    const row = await this.#run((connection) =>
      connection.one(sql.type(serviceAccountsTable.row)`
        insert into service_accounts (id, name, display_name, roles, create_time, update_time, version)
        values (${id}, ${name}, ${displayName}, ${sql.array([...roles], "text")}, now(), now(), 1)
        on conflict (id) do update
        set name = service_accounts.name
        returning ${serviceAccountsTable.columns}
      `),
    );
    return ServiceAccount.fromRow(row);
  }

  async update(
    { id, version }: ServiceAccount,
    { displayName, roles, disabled }: ServiceAccountDraft,
  ): Promise<ServiceAccount> {
    const row = await this.#run((connection) =>
      connection.maybeOne(sql.type(serviceAccountsTable.row)`
        update service_accounts
        set
          display_name = ${displayName},
          roles = ${sql.array([...roles], "text")},
          disable_time = case when ${disabled}::bool then coalesce(disable_time, now()) end,
          update_time = now(),
          version = version + 1
        where id = ${id}
          and version = ${version}
        returning ${serviceAccountsTable.columns}
      `),
    );
    if (row === null)
      throw new DomainError("CONTENTION", "the service account was changed concurrently; retry the call");
    return ServiceAccount.fromRow(row);
  }

  async delete(id: string): Promise<boolean> {
    const deleted = await this.#run((connection) =>
      connection.maybeOne(sql.type(serviceAccountsTable.idRow)`
        delete from service_accounts
        where id = ${id}
        returning id
      `),
    );
    return deleted !== null;
  }

  insertKey({
    id,
    accountId,
    displayName,
    creator,
    digest,
    expireTime,
  }: NewServiceAccountKey): Promise<ServiceAccountKey> {
    return this.#run((connection) =>
      connection.one(sql.type(serviceAccountKeysTable.row)`
        insert into service_account_keys (id, account_id, display_name, creator, digest, create_time, expire_time)
        values (
          ${id},
          ${accountId},
          ${displayName},
          ${creator},
          ${sql.binary(Buffer.from(digest))},
          now(),
          ${expireTime?.toISOString() ?? null}::timestamptz(3)
        )
        on conflict (id) do update
        set display_name = service_account_keys.display_name
        returning ${serviceAccountKeysTable.columns}
      `),
    );
  }

  async disableKey(id: string): Promise<KeyDisabling | undefined> {
    const disabled = await this.#run((connection) =>
      connection.maybeOne(sql.type(serviceAccountKeysTable.row)`
        update service_account_keys
        set disable_time = now()
        where id = ${id}
          and disable_time is null
        returning ${serviceAccountKeysTable.columns}
      `),
    );
    if (disabled !== null) return { key: disabled, disabled: true };
    const key = await this.#run((connection) =>
      connection.maybeOne(sql.type(serviceAccountKeysTable.row)`
        select ${serviceAccountKeysTable.columns}
        from service_account_keys
        where id = ${id}
      `),
    );
    return key === null ? undefined : { key, disabled: false };
  }

  async deleteKey(id: string): Promise<boolean> {
    const deleted = await this.#run((connection) =>
      connection.maybeOne(sql.type(serviceAccountKeysTable.idRow)`
        delete from service_account_keys
        where id = ${id}
        returning id
      `),
    );
    return deleted !== null;
  }

  async touchKeys(ids: readonly string[]): Promise<void> {
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        update service_account_keys
        set last_use_time = now()
        where id = any(${sql.array([...ids], "uuid")})
      `),
    );
  }
}
