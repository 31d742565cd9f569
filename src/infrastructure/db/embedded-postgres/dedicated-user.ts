import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import type { UserIds } from "./closed-folder.ts";
import { EmbeddedPostgresError, systemErrorCode } from "./embedded-postgres-error.ts";

/**
 * The range from which PostgreSQL gets a uid of its own when root starts it. systemd's list of uids calls the range
 * unused, and it exists in user namespaces that map 65,536 uids, as containers do.
 */
const first = 60_578;
const last = 61_183;

/** Whether a uid is in the range that {@link findDedicatedUser} chooses from. */
export function isDedicated({ uid }: UserIds): boolean {
  return uid >= first && uid <= last;
}

/**
 * Chooses a uid, and the same gid, for the processes and files of one cluster. No account has it, no process runs as
 * it, and no user may map it in a user namespace (subuid(5)).
 *
 * @throws EmbeddedPostgresError if none is free
 */
export async function findDedicatedUser(): Promise<UserIds> {
  const [uids, gids, users, groups] = await Promise.all([
    namespaceRanges("/proc/self/uid_map"),
    namespaceRanges("/proc/self/gid_map"),
    delegatedRanges("/etc/subuid"),
    delegatedRanges("/etc/subgid"),
  ]);
  const running = await runningUids();
  const start = randomInt(first, last + 1);
  for (let id = start, tries = 0; tries <= last - first; tries++, id = id === last ? first : id + 1) {
    if (!contains(uids, id) || !contains(gids, id)) continue;
    if (contains(users, id) || contains(groups, id) || running.has(id)) continue;
    if ((await accountName("passwd", id)) ?? (await accountName("group", id))) continue;
    return { uid: id, gid: id };
  }
  throw new EmbeddedPostgresError(
    `the embedded PostgreSQL refuses to run as root, and no uid from ${first} to ${last} is free for it in this user namespace; run auth as a user other than root, or set DATABASE_URL`,
  );
}

/** The name of the account or group with an ID; undefined if there is none. */
export async function accountName(list: "passwd" | "group", id: number): Promise<string | undefined> {
  try {
    // getent also queries directories such as LDAP.
    const { stdout } = await promisify(execFile)("getent", [list, String(id)], { timeout: 5_000 });
    return stdout.split(":", 1)[0];
  } catch {
    // getent found nothing or is not installed.
    return (await fieldsOf(`/etc/${list}`, ":")).find((fields) => Number(fields[2]) === id)?.[0];
  }
}

/** Whether /etc/passwd, the C library's only source without directories, has an account for a uid. */
export async function hasPasswdEntry(uid: number): Promise<boolean> {
  return (await fieldsOf("/etc/passwd", ":")).some((fields) => Number(fields[2]) === uid);
}

interface Range {
  readonly start: number;
  readonly count: number;
}

function contains(ranges: readonly Range[], id: number): boolean {
  return ranges.some(({ start, count }) => id >= start && id < start + count);
}

/** The ids that exist in this user namespace (user_namespaces(7)). */
async function namespaceRanges(path: string): Promise<Range[]> {
  const rows = await fieldsOf(path, /\s+/);
  if (rows.length === 0) return [{ start: 0, count: 2 ** 32 }];
  return rows.map(([start, , count]) => ({ start: Number(start), count: Number(count) }));
}

async function delegatedRanges(path: string): Promise<Range[]> {
  return (await fieldsOf(path, ":")).map(([, start, count]) => ({
    start: Number(start),
    count: Number(count),
  }));
}

async function runningUids(): Promise<Set<number>> {
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const uids = await Promise.all(
    pids.map((pid) =>
      stat(`/proc/${pid}`).then(
        ({ uid }) => uid,
        () => -1,
      ),
    ),
  );
  return new Set(uids);
}

/** The fields of each line of a file; empty if the file does not exist. */
async function fieldsOf(path: string, separator: string | RegExp): Promise<string[][]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT") return "";
    throw error;
  });
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => line.trim().split(separator));
}
