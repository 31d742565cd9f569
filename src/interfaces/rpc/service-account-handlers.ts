import type { ServiceImpl } from "@connectrpc/connect";
import type { ServiceAccountService } from "../../domain/caller/service-account-service.ts";
import type { ServiceAccountService as ServiceAccountServiceDesc } from "../../gen/auth/v1/service_account_service_pb.ts";
import { emptyToUndefined } from "./empty-to-undefined.ts";
import { toCall } from "./rpc-call.ts";
import { toServiceAccountKeyMessage, toServiceAccountMessage } from "./service-account-message.ts";
import { toDate } from "./timestamps.ts";

/** Handlers of auth.v1.ServiceAccountService. */
export function serviceAccountHandlers(
  accounts: ServiceAccountService,
): ServiceImpl<typeof ServiceAccountServiceDesc> {
  return {
    async createServiceAccount({ name, displayName, roles }, context) {
      return {
        serviceAccount: toServiceAccountMessage(
          await accounts.create(toCall(context), { name, displayName, roles }),
        ),
      };
    },

    async getServiceAccount({ id }, context) {
      return { serviceAccount: toServiceAccountMessage(await accounts.get(toCall(context), id)) };
    },

    async listServiceAccounts({ pageSize, pageToken }, context) {
      const page = await accounts.list(toCall(context), { pageSize, pageToken });
      return {
        serviceAccounts: page.accounts.map(toServiceAccountMessage),
        nextPageToken: page.nextPageToken,
      };
    },

    async updateServiceAccount({ id, displayName, roles, etag }, context) {
      const change = { id, displayName, roles, etag: emptyToUndefined(etag) };
      const { account, disabledKeys } = await accounts.update(toCall(context), change);
      return {
        serviceAccount: toServiceAccountMessage(account),
        disabledKeys: disabledKeys.map(toServiceAccountKeyMessage),
      };
    },

    async disableServiceAccount({ id }, context) {
      return { serviceAccount: toServiceAccountMessage(await accounts.disable(toCall(context), id)) };
    },

    async enableServiceAccount({ id }, context) {
      return { serviceAccount: toServiceAccountMessage(await accounts.enable(toCall(context), id)) };
    },

    async deleteServiceAccount({ id }, context) {
      await accounts.delete(toCall(context), id);
      return {};
    },

    async createServiceAccountKey({ serviceAccountId, displayName, expireTime }, context) {
      const { key, text } = await accounts.createKey(toCall(context), {
        accountId: serviceAccountId,
        displayName,
        expireTime: expireTime && toDate(expireTime, "expire_time"),
      });
      return { serviceAccountKey: toServiceAccountKeyMessage(key), key: text.reveal() };
    },

    async listServiceAccountKeys({ serviceAccountId }, context) {
      const keys = await accounts.listKeys(toCall(context), serviceAccountId);
      return { serviceAccountKeys: keys.map(toServiceAccountKeyMessage) };
    },

    async disableServiceAccountKey({ id }, context) {
      return {
        serviceAccountKey: toServiceAccountKeyMessage(await accounts.disableKey(toCall(context), id)),
      };
    },

    async deleteServiceAccountKey({ id }, context) {
      await accounts.deleteKey(toCall(context), id);
      return {};
    },
  };
}
