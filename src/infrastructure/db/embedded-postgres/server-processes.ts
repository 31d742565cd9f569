import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { displayPath } from "./data-folder.ts";
import { EmbeddedPostgresError, systemErrorCode } from "./embedded-postgres-error.ts";

/**
 * The name that PostgreSQL shows in the titles of all processes of a cluster's server. It is derived from the
 * folder's device and inode, so it survives a rename of the folder.
 */
export async function clusterName(pgdata: string): Promise<string> {
  const { dev, ino } = await stat(pgdata);
  return `auth-${dev.toString(36)}-${ino.toString(36)}`;
}

/** The process ID that the cluster's server recorded; undefined after a clean shutdown. That process may be dead. */
export async function recordedProcess(pgdata: string): Promise<number | undefined> {
  const text = await readFile(join(pgdata, "postmaster.pid"), "utf8").catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT") return "";
    throw error;
  });
  const pid = Number.parseInt(text, 10);
  return pid > 0 ? pid : undefined;
}

/** Signals sent in turn to a server that must stop, each with the milliseconds to wait for it afterwards. */
const steps = [
  // Fast shutdown: the server already does this if its guard requested it.
  ["SIGINT", 20_000],
  // Immediate shutdown: the server recovers at the next start.
  ["SIGQUIT", 5_000],
  ["SIGKILL", 5_000],
] as const;

/**
 * Ends a server that still runs on a cluster. Only the holder of the data folder may call this: for the holder, a
 * server that it did not start is the remnant of a crashed holder.
 *
 * @throws EmbeddedPostgresError if processes survive all signals
 */
export async function endServer(pgdata: string, logger: (line: string) => void): Promise<void> {
  const recorded = await recordedProcess(pgdata);
  if (recorded === undefined) return;
  const name = await clusterName(pgdata);
  for (const [signal, patience] of steps) {
    const running = await processesOf(name);
    if (running.length === 0) return;
    logger(`stopping a leftover PostgreSQL (${signal}, processes ${running.join(", ")})`);
    const server = running.includes(recorded) && signal !== "SIGKILL" ? [recorded] : running;
    for (const pid of server) send(signal, pid);
    const deadline = performance.now() + patience;
    while (performance.now() < deadline && (await processesOf(name)).length > 0) await sleep(20);
  }
  const left = await processesOf(name);
  if (left.length === 0) return;
  throw new EmbeddedPostgresError(
    `a leftover PostgreSQL on ${displayPath(pgdata)} does not stop (processes ${left.join(", ")}); end it, or set AUTH_DATA_DIR to another folder`,
  );
}

/** Sends a signal to a process, which may have exited. */
export function send(signal: NodeJS.Signals, pid: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}

/**
 * The process IDs of a cluster's server, found by their command lines: the server has the name as an argument, and
 * its children's titles begin with it. In a container, even root may see no more of other users' processes.
 */
export async function processesOf(name: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")),
  );
  return pids.filter((_, index) => belongsTo(lines[index]!, name)).map(Number);
}

function belongsTo(commandLine: string, name: string): boolean {
  if (commandLine.startsWith(`postgres: ${name}: `)) return true;
  const [file, ...args] = commandLine.split("\0");
  return basename(file!) === "postgres" && args.includes(`cluster_name=${name}`);
}
