import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceAccount, ServiceAccountKey } from "../../domain/caller/service-account.ts";
import type { ServiceAccountKeySchema, ServiceAccountSchema } from "../../gen/auth/v1/service_account_pb.ts";

/** Converts a service account to its message. */
export function toServiceAccountMessage(
  account: ServiceAccount,
): MessageInitShape<typeof ServiceAccountSchema> {
  return {
    id: account.id,
    name: account.name,
    displayName: account.displayName,
    roles: [...account.roles],
    disableTime: timestamp(account.disableTime),
    createTime: timestamp(account.createTime),
    updateTime: timestamp(account.updateTime),
    etag: account.etag,
  };
}

/** Converts a key, without its secret, to its message. */
export function toServiceAccountKeyMessage(
  key: ServiceAccountKey,
): MessageInitShape<typeof ServiceAccountKeySchema> {
  return {
    id: key.id,
    serviceAccountId: key.accountId,
    displayName: key.displayName,
    createTime: timestamp(key.createTime),
    expireTime: timestamp(key.expireTime),
    lastUseTime: timestamp(key.lastUseTime),
    disableTime: timestamp(key.disableTime),
    creator: key.creator ?? "",
  };
}

function timestamp(time: Date | undefined) {
  return time && timestampFromDate(time);
}
