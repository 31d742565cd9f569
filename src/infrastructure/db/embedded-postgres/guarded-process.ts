import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Writable } from "node:stream";
import type { ProcessOwner } from "./process-owner.ts";

/**
 * A program that does not outlive this process and that a terminal's Ctrl-C does not reach: it runs in a session of
 * its own under a shell which holds the other end of a pipe. When the pipe closes, because we closed it or because we
 * died, the shell ends the program.
 */
export interface GuardedProcess {
  /** Resolves, never rejects, when the program and its shell have gone: undefined for success, else how it ended. */
  readonly exited: Promise<string | undefined>;
  /** Asks the program to end. */
  end(): void;
}

export interface GuardedProcessOptions {
  readonly command: readonly string[];
  /** How the shell ends the program, whose process number is $program. */
  readonly ending: string;
  /** Folder that goes with the program. */
  readonly removes?: string;
  readonly owner: ProcessOwner;
  /** File descriptor that takes what the program writes. */
  readonly log: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a program under guard. It inherits nothing of our environment but PATH. */
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
    // PGDATA, PGPORT, PGTZ and their like would change what PostgreSQL does.
    env: { PATH, LC_ALL: "C", ...options.environment },
    stdio: ["ignore", options.log, options.log, "pipe"],
    detached: true,
  });
  const pipe = child.stdio[3] as Writable | null | undefined;
  // The other end goes first when the program ends by itself.
  pipe?.on("error", () => {});
  const exited = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(describeExit(code, signal)));
  });
  void exited.then(() => pipe?.end());
  return { exited, end: () => pipe?.end() };
}

/** Descriptor 3 is the pipe: it is only ever read to its end. The guard survives whatever else is sent to it. */
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

/** A shell says 128 + n of a program that signal n ended. */
function describeExit(code: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (code === 0) return undefined;
  const name =
    signal ?? Object.entries(constants.signals).find(([, number]) => number === (code ?? 0) - 128)?.[0];
  return name === undefined ? `exit code ${code}` : `ended by ${name}`;
}
