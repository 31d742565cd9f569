import type { Command } from "./command.ts";
import { columns } from "./text.ts";
import { UsageError } from "./usage-error.ts";

const exitCodes = `Exit codes: 0 success, 1 failure (doctor and --check: problems found), 2 wrong usage, 130 Ctrl-C, 143 SIGTERM.`;

/** The help for all commands, or for those whose names begin with the words. @throws UsageError if there are none */
export function help(commands: readonly Command[], words: readonly string[]): string {
  const prefix = words.join(" ");
  const exact = commands.find(({ name }) => name === prefix);
  if (exact !== undefined) return helpOn(exact);
  const below = commands.filter(({ name }) => prefix === "" || name.startsWith(`${prefix} `));
  if (below.length === 0) throw new UsageError("unknown command");
  const list = columns(below.map((each) => [`  ${callOf(each)}`, each.summary]));
  if (prefix !== "") return `${list}\nFor details of a command, run \`auth help COMMAND\`.\n`;
  return `auth administers the service's database, whether the service is running or not. It reads the same environment variables
as the service. Without DATABASE_URL, it uses the embedded database.

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
    columns([...listed, ["  --json", "prints the result as JSON"]]),
  ].join("\n");
}

function callOf({ name, args }: Pick<Command, "name" | "args">): string {
  return [name, ...args].join(" ");
}
