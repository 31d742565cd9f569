import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { ServiceAccount, ServiceAccountKey } from "../../domain/caller/service-account.ts";
import type { ServiceAccountService } from "../../domain/caller/service-account-service.ts";
import type { ServiceAccountKeySchema, ServiceAccountSchema } from "../../gen/auth/v1/service_account_pb.ts";
import type { ServiceAccountService as ServiceAccountServiceDesc } from "../../gen/auth/v1/service_account_service_pb.ts";
import { given } from "./given.ts";
import { toCall } from "./rpc-call.ts";

/** auth.v1.ServiceAccountService: message, call, message. */
export function serviceAccountHandlers(
  accounts: ServiceAccountService,
): ServiceImpl<typeof ServiceAccountServiceDesc> {
  return {
    async createServiceAccount({ name, displayName, roles }, context) {
      return {
        serviceAccount: toMessage(await accounts.create(toCall(context), { name, displayName, roles })),
      };
    },

    async getServiceAccount({ id }, context) {
      return { serviceAccount: toMessage(await accounts.get(toCall(context), id)) };
    },

    async listServiceAccounts({ pageSize, pageToken }, context) {
      const page = await accounts.list(toCall(context), { pageSize, pageToken });
      return { serviceAccounts: page.accounts.map(toMessage), nextPageToken: page.nextPageToken };
    },

    async updateServiceAccount({ id, displayName, roles, etag }, context) {
      const change = { id, displayName, roles, etag: given(etag) };
      return { serviceAccount: toMessage(await accounts.update(toCall(context), change)) };
    },

    async disableServiceAccount({ id }, context) {
      return { serviceAccount: toMessage(await accounts.disable(toCall(context), id)) };
    },

    async enableServiceAccount({ id }, context) {
      return { serviceAccount: toMessage(await accounts.enable(toCall(context), id)) };
    },

    async deleteServiceAccount({ id }, context) {
      await accounts.delete(toCall(context), id);
      return {};
    },

    async createServiceAccountKey({ serviceAccountId, displayName, expireTime }, context) {
      const { key, text } = await accounts.createKey(toCall(context), {
        accountId: serviceAccountId,
        displayName,
        expireTime: expireTime && timestampDate(expireTime),
      });
      return { serviceAccountKey: toKeyMessage(key), key: text };
    },

    async listServiceAccountKeys({ serviceAccountId }, context) {
      const keys = await accounts.listKeys(toCall(context), serviceAccountId);
      return { serviceAccountKeys: keys.map(toKeyMessage) };
    },

    async disableServiceAccountKey({ id }, context) {
      return { serviceAccountKey: toKeyMessage(await accounts.disableKey(toCall(context), id)) };
    },

    async deleteServiceAccountKey({ id }, context) {
      await accounts.deleteKey(toCall(context), id);
      return {};
    },
  };
}

function toMessage(account: ServiceAccount): MessageInitShape<typeof ServiceAccountSchema> {
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

function toKeyMessage(key: ServiceAccountKey): MessageInitShape<typeof ServiceAccountKeySchema> {
  return {
    id: key.id,
    serviceAccountId: key.accountId,
    displayName: key.displayName,
    createTime: timestamp(key.createTime),
    expireTime: timestamp(key.expireTime),
    lastUseTime: timestamp(key.lastUseTime),
    disableTime: timestamp(key.disableTime),
  };
}

function timestamp(time: Date | undefined) {
  return time && timestampFromDate(time);
}
