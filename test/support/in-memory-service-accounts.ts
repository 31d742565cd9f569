import { ServiceAccount, type ServiceAccountRow } from "../../src/domain/caller/service-account.ts";
import { DomainError } from "../../src/domain/errors.ts";
import type { ServiceAccountRepository } from "../../src/interfaces/relationaldb/service-account-repository.ts";
import type { KeyRow, Tables } from "./in-memory-tables.ts";

export function serviceAccounts(tables: () => Tables, clock: () => Date): ServiceAccountRepository {
  const write = (row: ServiceAccountRow) => {
    tables().serviceAccounts.set(row.id, row);
    return ServiceAccount.fromRow(row);
  };
  const keysOf = (accountId: string) =>
    [...tables().serviceAccountKeys.values()]
      .filter((key) => key.accountId === accountId)
      .sort(youngestFirst);
  return {
    async find(id) {
      const row = tables().serviceAccounts.get(id);
      return row && ServiceAccount.fromRow(row);
    },
    async list(after, limit) {
      return [...tables().serviceAccounts.values()]
        .sort(youngestFirst)
        .filter((row) => after === undefined || youngestFirst(row, after) > 0)
        .slice(0, limit)
        .map((row) => ServiceAccount.fromRow(row));
    },
    async findKey(id) {
      const key = tables().serviceAccountKeys.get(id);
      const account = key && tables().serviceAccounts.get(key.accountId);
      if (key === undefined || account === undefined) return undefined;
      const time = clock();
      const { digest, expireTime } = key;
      const enabled = account.disableTime === undefined && key.disableTime === undefined;
      const good = enabled && (expireTime === undefined || expireTime > time);
      return { account: ServiceAccount.fromRow(account), digest, good, expireTime, time };
    },
    async listKeys(accountId) {
      return keysOf(accountId).map(withoutDigest);
    },
    async insert({ id, ...account }) {
      const known = tables().serviceAccounts.get(id);
      if (known !== undefined) return ServiceAccount.fromRow(known);
      if ([...tables().serviceAccounts.values()].some(({ name }) => name === account.name)) {
        throw new DomainError("SERVICE_ACCOUNT_NAME_TAKEN", "another service account has this name");
      }
      const time = clock();
      return write({
        id,
        ...account,
        roles: [...account.roles],
        createTime: time,
        updateTime: time,
        version: 1,
      });
    },
    async update({ id, version }, { displayName, roles, disabled }) {
      const row = tables().serviceAccounts.get(id);
      if (row?.version !== version) {
        throw new DomainError("CONTENTION", "the service account was changed concurrently; retry the call");
      }
      const time = clock();
      const disableTime = disabled ? (row.disableTime ?? time) : undefined;
      return write({
        ...row,
        displayName,
        roles: [...roles],
        disableTime,
        updateTime: time,
        version: version + 1,
      });
    },
    async delete(id) {
      for (const key of keysOf(id)) tables().serviceAccountKeys.delete(key.id);
      return tables().serviceAccounts.delete(id);
    },
    async insertKey({ id, ...key }) {
      const known = tables().serviceAccountKeys.get(id);
      const row = known ?? { id, ...key, createTime: clock() };
      tables().serviceAccountKeys.set(id, row);
      return withoutDigest(row);
    },
    async disableKey(id) {
      const key = tables().serviceAccountKeys.get(id);
      if (key === undefined) return undefined;
      if (key.disableTime !== undefined) return { key: withoutDigest(key), disabled: false };
      const row = { ...key, disableTime: clock() };
      tables().serviceAccountKeys.set(id, row);
      return { key: withoutDigest(row), disabled: true };
    },
    async deleteKey(id) {
      return tables().serviceAccountKeys.delete(id);
    },
    async touchKeys(ids) {
      for (const id of ids) {
        const key = tables().serviceAccountKeys.get(id);
        if (key !== undefined) tables().serviceAccountKeys.set(id, { ...key, lastUseTime: clock() });
      }
    },
  };
}

interface Place {
  readonly id: string;
  readonly createTime: Date;
}

function youngestFirst(a: Place, b: Place): number {
  return b.createTime.getTime() - a.createTime.getTime() || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

function withoutDigest({ digest: _, ...key }: KeyRow) {
  return key;
}
