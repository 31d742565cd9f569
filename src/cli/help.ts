import type { Command } from "./command.ts";
import { columns } from "./text.ts";
import { UsageError } from "./usage-error.ts";

const exitCodes = `exit codes: 0 done, 1 failed (or, of doctor and --check, not as it should be), 2 wrong usage,
130 and 143 ended by Ctrl-C and SIGTERM`;

/** The manual: of all commands, or of those that begin with the words. @throws UsageError where none does */
export function help(commands: readonly Command[], words: readonly string[]): string {
  const prefix = words.join(" ");
  const exact = commands.find(({ name }) => name === prefix);
  if (exact !== undefined) return helpOn(exact);
  const below = commands.filter(({ name }) => prefix === "" || name.startsWith(`${prefix} `));
  if (below.length === 0) throw new UsageError("unknown command");
  const list = columns(below.map((each) => [`  ${callOf(each)}`, each.summary]));
  if (prefix !== "") return `${list}\n\`auth help ${prefix} …\` says more on one of them.\n`;
  return `auth on the command line: works on the service's database, by the same environment variables, whether the service
runs or not. Without DATABASE_URL that is the embedded one.

${list}
  help COMMAND, help settings, --help, --version

All commands take --json: one line of JSON on standard output, errors as one line on standard error.
${exitCodes}
`;
}

function helpOn({ details, options, summary, ...command }: Command): string {
  const listed = Object.entries(options).map(([name, { takes, help: text }]) => [
    `  --${name}${takes === undefined ? "" : ` ${takes}`}`,
    text,
  ]);
  const usage = `auth ${callOf({ ...command })}${listed.length > 0 ? " [options]" : ""}`;
  return [
    `${usage}\n\n${summary}.\n`,
    ...(details === undefined ? [] : [`${details}\n`]),
    columns([...listed, ["  --json", "prints the answer as JSON"]]),
  ].join("\n");
}

function callOf({ name, args }: Pick<Command, "name" | "args">): string {
  return [name, ...args].join(" ");
}
