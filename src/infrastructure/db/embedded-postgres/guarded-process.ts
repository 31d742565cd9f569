import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Writable } from "node:stream";
import type { ProcessOwner } from "./process-owner.ts";

/**
 * A program that does not outlive this process and that Ctrl-C in a terminal does not reach. It runs in its own
 * session under a shell that holds the other end of a pipe. When this process closes the pipe or dies, the shell ends
 * the program.
 */
export interface GuardedProcess {
  /**
   * Resolves, and never rejects, when the program and its shell have exited: undefined for success, otherwise how it
   * ended.
   */
  readonly exited: Promise<string | undefined>;
  /** Asks the program to end. */
  end(): void;
}

export interface GuardedProcessOptions {
  readonly command: readonly string[];
  /** Shell command that ends the program, whose process ID is in $program. */
  readonly ending: string;
  /** Folder to remove when the program has ended. */
  readonly removes?: string;
  readonly owner: ProcessOwner;
  /** File descriptor for the program's output. */
  readonly log: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a program under a guard. Of our environment it inherits only PATH. */
export function spawnGuarded(options: GuardedProcessOptions): GuardedProcess {
  const args = [
    "-c",
    guard(options.ending),
    "auth-postgres-guard",
    options.removes ?? "",
    ...options.command,
  ];
  const { PATH } = process.env;
  const child = spawn("/bin/sh", args, {
    ...options.owner.identity,
    cwd: "/",
    // PGDATA, PGPORT, PGTZ and similar variables would change PostgreSQL's behaviour.
    env: { PATH, LC_ALL: "C", ...options.environment },
    stdio: ["ignore", options.log, options.log, "pipe"],
    detached: true,
  });
  const pipe = child.stdio[3] as Writable | null | undefined;
  // The other end closes first if the program ends by itself.
  pipe?.on("error", () => {});
  const exited = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(describeExit(code, signal)));
  });
  void exited.then(() => pipe?.end());
  return { exited, end: () => pipe?.end() };
}

/** Descriptor 3 is the pipe, which is only read, until it closes. The guard ignores HUP, INT, QUIT and TERM. */
const guard = (ending: string) => `
folder=$1
shift
"$@" 3<&- &
program=$!
trap '' HUP INT QUIT TERM
{ read -r _; ${ending}; } <&3 2>/dev/null &
reader=$!
exec 3<&-
wait $program
code=$?
kill -KILL $reader 2>/dev/null
[ -z "$folder" ] || rm -rf -- "$folder"
exit $code
`;

/** A shell reports 128 + n for a program that was ended by signal n. */
function describeExit(code: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (code === 0) return undefined;
  const name =
    signal ?? Object.entries(constants.signals).find(([, number]) => number === (code ?? 0) - 128)?.[0];
  return name === undefined ? `exit code ${code}` : `ended by ${name}`;
}
