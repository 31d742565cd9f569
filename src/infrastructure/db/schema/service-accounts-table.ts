import { sql } from "slonik";
import { z } from "zod";
import type { ServiceAccountKeyRow, ServiceAccountRow } from "../../../domain/caller/service-account.ts";
import { fromColumns } from "./from-columns.ts";

const record = z.object({
  id: z.uuid(),
  name: z.string(),
  displayName: z.string(),
  roles: z.array(z.string()),
  createTime: z.date(),
  updateTime: z.date(),
  disableTime: z.date().optional(),
  version: z.int(),
}) satisfies z.ZodType<ServiceAccountRow>;

const keyRecord = z.object({
  id: z.uuid(),
  accountId: z.uuid(),
  displayName: z.string(),
  creator: z.string().optional(),
  createTime: z.date(),
  expireTime: z.date().optional(),
  lastUseTime: z.date().optional(),
  disableTime: z.date().optional(),
}) satisfies z.ZodType<ServiceAccountKeyRow>;

const idRow = fromColumns(z.object({ id: z.uuid() }));

/** The table of service accounts, created by migrations/0008-service-accounts.ts. */
export const serviceAccountsTable = {
  row: fromColumns(record),
  idRow,
  /** The stored data of a presented key, with its account. */
  rowWithKey: fromColumns(
    z.object({
      ...record.shape,
      digest: z.instanceof(Buffer),
      good: z.boolean(),
      expireTime: z.date().optional(),
      time: z.date(),
    }),
  ),
  constraints: { name: "service_accounts_name_unique" },
  columns: sql.fragment`
    service_accounts.id,
    service_accounts.name,
    service_accounts.display_name,
    service_accounts.roles,
    service_accounts.create_time,
    service_accounts.update_time,
    service_accounts.disable_time,
    service_accounts.version`,
} as const;

/** The table of service account keys. */
export const serviceAccountKeysTable = {
  row: fromColumns(keyRecord),
  idRow,
  columns: sql.fragment`
    service_account_keys.id,
    service_account_keys.account_id,
    service_account_keys.display_name,
    service_account_keys.creator,
    service_account_keys.create_time,
    service_account_keys.expire_time,
    service_account_keys.last_use_time,
    service_account_keys.disable_time`,
} as const;
