import { sql } from "slonik";
import { indexIsValid, type MigrationStep } from "./migration-step.ts";

export const serviceAccounts: readonly MigrationStep[] = [
  {
    id: "0008-service-accounts/table",
    statement: sql.unsafe`
      create table if not exists service_accounts (
        id uuid not null,
        name text not null,
        display_name text not null,
        roles text[] not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        disable_time timestamptz(3),
        version int8 not null,
        constraint service_accounts_pkey primary key (id),
        constraint service_accounts_name_unique unique (name)
      )
    `,
  },
  {
    // ListServiceAccounts.
    id: "0008-service-accounts/create-time",
    statement: sql.unsafe`
      create index if not exists service_accounts_create_time_idx on service_accounts (create_time, id)
    `,
    verify: indexIsValid("service_accounts_create_time_idx"),
  },
  {
    // Stores only a keyed hash of each key.
    id: "0008-service-accounts/keys",
    statement: sql.unsafe`
      create table if not exists service_account_keys (
        id uuid not null,
        account_id uuid not null,
        display_name text not null,
        digest bytea not null,
        create_time timestamptz(3) not null,
        expire_time timestamptz(3),
        last_use_time timestamptz(3),
        disable_time timestamptz(3),
        constraint service_account_keys_pkey primary key (id),
        constraint service_account_keys_account_id_fkey
          foreign key (account_id) references service_accounts (id) on delete cascade
      )
    `,
  },
  {
    // ListServiceAccountKeys, and deleting an account.
    id: "0008-service-accounts/keys-account-id",
    statement: sql.unsafe`
      create index if not exists service_account_keys_account_id_idx
      on service_account_keys (account_id, create_time, id)
    `,
    verify: indexIsValid("service_account_keys_account_id_idx"),
  },
];
