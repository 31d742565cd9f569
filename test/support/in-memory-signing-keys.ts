import type { SigningKeyRepository } from "../../src/interfaces/relationaldb/signing-key-repository.ts";
import type { Tables } from "./in-memory-tables.ts";

export function signingKeys(tables: () => Tables, clock: () => Date): SigningKeyRepository {
  const inOrder = () => [...tables().signingKeys.values()].sort((a, b) => a.sequence - b.sequence);
  return {
    async list() {
      return { keys: inOrder(), time: clock() };
    },
    async add({ activateAfterMs, ...key }) {
      const keys = inOrder();
      if (keys.some(({ sequence }) => sequence === key.sequence)) return false;
      const createTime = clock();
      const before = keys.findLast(
        ({ sequence, revokeTime }) => sequence < key.sequence && revokeTime === undefined,
      );
      const activateTime = new Date(
        Math.max(createTime.getTime() + activateAfterMs, before?.activateTime.getTime() ?? 0),
      );
      tables().signingKeys.set(key.id, { ...key, createTime, activateTime });
      return true;
    },
    async rewrap(id, current, wrapped) {
      const key = tables().signingKeys.get(id);
      if (!key || Buffer.compare(key.wrappedPrivateKey, current) !== 0) return false;
      tables().signingKeys.set(id, { ...key, wrappedPrivateKey: wrapped });
      return true;
    },
    async revoke(id) {
      const key = tables().signingKeys.get(id);
      if (key === undefined || key.revokeTime !== undefined) return false;
      const wrappedPrivateKey = new Uint8Array();
      tables().signingKeys.set(id, { ...key, wrappedPrivateKey, revokeTime: clock() });
      return true;
    },
    async activate(id) {
      const key = tables().signingKeys.get(id);
      const activateTime = clock();
      if (key && key.activateTime > activateTime) tables().signingKeys.set(id, { ...key, activateTime });
    },
    async remove(ids) {
      for (const id of ids) tables().signingKeys.delete(id);
    },
  };
}
