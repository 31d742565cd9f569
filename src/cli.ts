import { readFileSync } from "node:fs";
import { constants } from "node:os";
import type { CommandContext } from "./cli/command.ts";
import { commands } from "./cli/commands.ts";
import { help } from "./cli/help.ts";
import { parseArguments, type Request } from "./cli/parse-arguments.ts";
import { exitCodeOf, printedAnswer, printedError } from "./cli/printed.ts";
import { ProgressDisplay } from "./cli/progress.ts";
import { onStopSignal } from "./infrastructure/process/signals.ts";

/** The command line. Modules that load slowly are imported only when a command needs them. */
async function main(argv: readonly string[]): Promise<number> {
  const asJson = argv.includes("--json");
  const stopping = new AbortController();
  onStopSignal((signal) => stopping.abort(new Error(signal)));
  // The reader of a pipe may close it early, as `head` does.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignoreBrokenPipe);
  try {
    const request = parseArguments(commands, argv);
    if (request.kind !== "run") return print(await manual(request));
    const { command, input } = request;
    const answer = await command.run(input, commandContext(stopping.signal, asJson));
    print(printedAnswer(answer, asJson));
    if (answer.error !== undefined) throw answer.error;
    return answer.failed ? 1 : 0;
  } catch (error) {
    if (stopping.signal.aborted) return signalled(stopping.signal);
    process.stderr.write(printedError(error, asJson));
    return exitCodeOf(error);
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

async function manual(request: Exclude<Request, { kind: "run" }>): Promise<string> {
  if (request.kind === "version") {
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    return `auth ${version}\n`;
  }
  if (request.words.join(" ") !== "settings") return help(commands, request.words);
  const { describeSettings } = await import("./config/settings.ts");
  return `${describeSettings()}\n`;
}

function commandContext(signal: AbortSignal, asJson: boolean): CommandContext {
  const config = async () => (await import("./config/config.ts")).loadConfig(process.env);
  const { stderr } = process;
  const display = new ProgressDisplay({
    write: (text) => stderr.write(text),
    columns: stderr.isTTY ? stderr.columns : undefined,
    now: () => performance.now(),
  });
  const note = (line: string) => {
    if (asJson) return;
    display.clear();
    stderr.write(`${line}\n`);
  };
  return {
    env: process.env,
    signal,
    colours: Boolean(process.stdout.isTTY) && !process.env["NO_COLOR"],
    note,
    progress(progress) {
      if (!asJson) display.show(progress);
    },
    config,
    async readPassword() {
      const { readPassword } = await import("./cli/read-password.ts");
      return readPassword(process.stdin, signal);
    },
    async withService(work) {
      const [settings, { withService }] = await Promise.all([config(), import("./cli/open-service.ts")]);
      try {
        return await withService({ config: settings, signal, note }, work);
      } finally {
        display.clear();
      }
    },
  };
}

/** The exit code of a process that was ended by a signal, as shells define it. */
function signalled({ reason }: AbortSignal): number {
  const name = (reason as Error).message as "SIGINT" | "SIGTERM";
  process.stderr.write(`auth: ended by ${name}; the change in progress may or may not have been made\n`);
  return 128 + constants.signals[name];
}

function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

process.exitCode = await main(process.argv.slice(2));
