import type { DeviceRepository } from "../../src/interfaces/relationaldb/device-repository.ts";
import { deviceKey, type Tables } from "./in-memory-tables.ts";

export function devices(tables: () => Tables, clock: () => Date): DeviceRepository {
  const lasting = (keptForMs: number) => {
    const createTime = clock();
    return { createTime, expireTime: new Date(createTime.getTime() + keptForMs) };
  };
  const of = (userId: string) => [...tables().devices.values()].filter((device) => device.userId === userId);
  const forget = ({ userId, digest }: { userId: string; digest: string }) =>
    tables().devices.delete(deviceKey(userId, digest));
  return {
    async renew({ userId, digest, keptForMs }, before) {
      const known = tables().devices.get(deviceKey(userId, before));
      if (known === undefined || known.expireTime <= clock()) return false;
      forget(known);
      tables().devices.set(deviceKey(userId, digest), { ...known, digest, ...lasting(keptForMs) });
      return true;
    },
    async add({ id, userId, digest, keptForMs }, most) {
      const key = deviceKey(userId, digest);
      if (!tables().devices.has(key))
        tables().devices.set(key, { id, userId, digest, ...lasting(keptForMs) });
      // Of one time, the one that came later is the younger one.
      const youngestFirst = of(userId)
        .toReversed()
        .sort((a, b) => b.createTime.getTime() - a.createTime.getTime());
      for (const device of youngestFirst.slice(most)) forget(device);
    },
    async forgetAll(userId) {
      for (const device of of(userId)) forget(device);
    },
    async sweep(limit) {
      const expired = [...tables().devices.values()]
        .filter(({ expireTime }) => expireTime < clock())
        .sort((a, b) => a.expireTime.getTime() - b.expireTime.getTime())
        .slice(0, limit);
      for (const device of expired) forget(device);
      return expired.length;
    },
  };
}
