import type { AttemptLimits } from "../../src/domain/throttle/attempt-limits.ts";
import { User, type UserRow } from "../../src/domain/user/user.ts";
import type {
  AttemptRepository,
  AttemptStatements,
  KnownBy,
} from "../../src/interfaces/relationaldb/attempt-repository.ts";
import type { UserKey } from "../../src/interfaces/relationaldb/user-repository.ts";
import { addEvent } from "./in-memory-events.ts";
import { deviceKey, stateOf, type Tables } from "./in-memory-tables.ts";

const keptForMs = 30 * 24 * 3_600_000;

/** Runs a change as one statement, which is a transaction of its own. */
type Statement = <T>(change: (tables: Tables) => T) => Promise<T>;

export function attemptStatements(
  statement: Statement,
  clock: () => Date,
  rowOf: (tables: Tables, key: UserKey) => UserRow | undefined,
  isLiveSessionOf: (tables: Tables, sessionId: string, userId: string, time: Date) => boolean,
): AttemptStatements {
  const suffixOf = (tables: Tables, userId: string, by: KnownBy | undefined): string => {
    if (by === undefined) return "";
    if ("sessionId" in by) return isLiveSessionOf(tables, by.sessionId, userId, clock()) ? "/sessions" : "";
    const device = tables.devices.get(deviceKey(userId, by.deviceDigest));
    return device !== undefined && device.expireTime > clock() ? `/devices/${device.id}` : "";
  };
  return {
    begin: ({ id, key, nameDigest, network: from, knownBy }, limits) =>
      statement((tables) => {
        const time = clock().getTime();
        const row = rowOf(tables, key);
        const suffix = row === undefined ? "" : suffixOf(tables, row.id, knownBy);
        const account = row === undefined ? `names/${nameDigest}` : `users/${row.id}${suffix}`;
        const network = suffix === "" ? from : undefined;
        const before = tables.accountAttempts.get(account) ?? { failures: 0, lockEnd: 0 };
        const networkLimit = tables.networkAttempts.get(network ?? "") ?? { failures: 0, windowEnd: 0 };
        const again = "attemptId" in before && before.attemptId === id;
        const windowLeftMs = networkLimit.failures >= limits.networkLimit ? networkLimit.windowEnd - time : 0;
        const capped = before.failures >= (suffix === "" ? limits.cap : limits.knownDeviceCap);
        const open = !capped && before.lockEnd <= time;
        const allowed = windowLeftMs <= 0 && (again || open);
        if (allowed && !again) {
          const failures = before.failures + 1;
          const purgeTime = /^names\/|\/devices\//.test(account) ? time + keptForMs : undefined;
          const lockEnd = time + lockMs(failures, limits);
          tables.accountAttempts.set(account, { attemptId: id, failures, lockEnd, purgeTime });
        }
        const leftMs = Math.max(before.lockEnd - time, windowLeftMs, 0);
        return {
          attempt: { id, account, network },
          found: row && {
            user: User.fromRow({ ...row, state: stateOf(row, clock()) }),
            passwordHash: tables.passwordHashes.get(row.id),
          },
          allowed,
          retryAfterMs: allowed || capped || leftMs === 0 ? undefined : leftMs,
        };
      }),
    conclude: ({ id, account, network }, result, { event, locked }, { free, windowMs }) =>
      statement((tables) => {
        const time = clock();
        if (result === "succeeded") forgive(tables, account, time);
        const counted = tables.accountAttempts.get(account);
        if (result === "failed" && counted?.attemptId === id && counted.failures >= free)
          addEvent(tables, locked, time);
        if (result === "failed" && network !== undefined) {
          const known = tables.networkAttempts.get(network);
          const goesOn = known !== undefined && known.windowEnd > time.getTime();
          const again = known?.attemptId === id;
          tables.networkAttempts.set(network, {
            attemptId: id,
            failures: goesOn ? known.failures + (again ? 0 : 1) : 1,
            windowEnd: goesOn ? known.windowEnd : time.getTime() + windowMs,
          });
        }
        addEvent(tables, event, time);
      }),
    undoCount: ({ id, account }) =>
      statement((tables) => {
        const known = tables.accountAttempts.get(account);
        if (known?.attemptId !== id) return;
        const failures = Math.max(known.failures - 1, 0);
        tables.accountAttempts.set(account, {
          ...known,
          attemptId: "",
          failures,
          lockEnd: clock().getTime(),
        });
      }),
  };
}

export function attempts(tables: () => Tables, clock: () => Date): AttemptRepository {
  return {
    async forgive(userId) {
      for (const account of [`users/${userId}`, `users/${userId}/sessions`])
        forgive(tables(), account, clock());
    },
    async unlock(userIds) {
      const unlocked = new Set<string>();
      for (const [account, { failures }] of tables().accountAttempts) {
        const [kind, userId = ""] = account.split("/");
        if (kind !== "users" || failures === 0 || !userIds.includes(userId)) continue;
        forgive(tables(), account, clock());
        unlocked.add(userId);
      }
      return [...unlocked];
    },
    async sweep(limit) {
      const time = clock().getTime();
      const names = [...tables().accountAttempts]
        .filter(([, { purgeTime = Number.POSITIVE_INFINITY }]) => purgeTime < time)
        .sort(([, a], [, b]) => (a.purgeTime ?? 0) - (b.purgeTime ?? 0))
        .slice(0, limit);
      const networks = [...tables().networkAttempts]
        .filter(([, { windowEnd }]) => windowEnd < time)
        .sort(([, a], [, b]) => a.windowEnd - b.windowEnd)
        .slice(0, limit);
      for (const [account] of names) tables().accountAttempts.delete(account);
      for (const [network] of networks) tables().networkAttempts.delete(network);
      return Math.max(names.length, networks.length);
    },
  };
}

export function forgive({ accountAttempts }: Tables, account: string, time: Date): void {
  const known = accountAttempts.get(account);
  if (known !== undefined) accountAttempts.set(account, { ...known, failures: 0, lockEnd: time.getTime() });
}

function lockMs(failures: number, { free, locksMs }: AttemptLimits): number {
  return failures < free ? 0 : (locksMs[Math.min(failures - free, locksMs.length - 1)] ?? 0);
}
