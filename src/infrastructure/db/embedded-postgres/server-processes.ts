import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { displayPath } from "./data-folder.ts";
import { EmbeddedPostgresError, systemErrorCode } from "./embedded-postgres-error.ts";

/**
 * The name by which all processes of a cluster's server are known: PostgreSQL shows it in their titles. It comes from
 * the folder itself, so it stays the same however the folder is called.
 */
export async function clusterName(pgdata: string): Promise<string> {
  const { dev, ino } = await stat(pgdata);
  return `auth-${dev.toString(36)}-${ino.toString(36)}`;
}

/** The process that the cluster's server wrote down as its own; undefined after it has shut down. It may be dead. */
export async function recordedProcess(pgdata: string): Promise<number | undefined> {
  const text = await readFile(join(pgdata, "postmaster.pid"), "utf8").catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT") return "";
    throw error;
  });
  const pid = Number.parseInt(text, 10);
  return pid > 0 ? pid : undefined;
}

/** What is done in turn to a server that has to go, and for how many milliseconds it is then waited for. */
const steps = [
  // Fast shutdown: what it is doing already when its guard has asked it to.
  ["SIGINT", 20_000],
  // Gives up at once and recovers at the next start.
  ["SIGQUIT", 5_000],
  ["SIGKILL", 5_000],
] as const;

/**
 * Ends whatever server still runs on a cluster. Only the holder of the data folder may ask for it: to the holder, a
 * server that it has not started itself is what a crashed holder left behind.
 *
 * @throws EmbeddedPostgresError when its processes survive everything.
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

/** Sends a signal to a process, which may have gone. */
export function send(signal: NodeJS.Signals, pid: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}

/**
 * The processes of a cluster's server, by their command lines: the server's own has the name as an argument, its
 * children's titles begin with it. In a container even root may not look at more than that of other users' processes.
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
