import { sql } from "slonik";

const everyRight = ["select", "insert", "update", "delete"] as const;

export type TableRight = (typeof everyRight)[number];

/** Every table of the migrations with the rights that the service's role needs on it. The ledger is read-only. */
export const tableRights: Readonly<Record<string, readonly TableRight[]>> = {
  migrations: ["select"],
  leases: everyRight,
  users: everyRight,
  credentials: everyRight,
  requests: everyRight,
  shared_secrets: everyRight,
  sessions: everyRight,
  signing_keys: everyRight,
  service_accounts: everyRight,
  service_account_keys: everyRight,
  events: everyRight,
  event_heads: everyRight,
  account_attempts: everyRight,
  network_attempts: everyRight,
  devices: everyRight,
  session_ends: everyRight,
};

const needed = Object.entries(tableRights).flatMap(([name, rights]) =>
  rights.map((right) => ({ name, right })),
);

/**
 * A query for the needed rights that the role lacks. A table that does not exist, or is in a schema without USAGE, is
 * not found and therefore lacks all of them.
 */
export const missingRights = sql.fragment`
  select
    needed.table_name,
    needed.table_right,
    (to_regclass(needed.table_name) is not null)::bool as found
  from unnest(
    ${sql.array(
      needed.map(({ name }) => name),
      "text",
    )},
    ${sql.array(
      needed.map(({ right }) => right),
      "text",
    )}
  ) as needed (table_name, table_right)
  where not coalesce(has_table_privilege(to_regclass(needed.table_name), needed.table_right), false)`;
