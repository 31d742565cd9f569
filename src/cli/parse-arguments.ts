import { parseArgs } from "node:util";
import type { Command, Input } from "./command.ts";
import { plural } from "./text.ts";
import { UsageError } from "./usage-error.ts";

/** A command with its input, the help for a command or group, or the version. */
export type Request =
  | { readonly kind: "run"; readonly command: Command; readonly input: Input<never> }
  | { readonly kind: "help"; readonly words: readonly string[] }
  | { readonly kind: "version" };

/** Options of every command. */
const common = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;

/**
 * Parses a command line.
 * @throws UsageError if it is not a valid command
 */
export function parseArguments(commands: readonly Command[], argv: readonly string[]): Request {
  if (argv.length === 0) return { kind: "help", words: [] };
  if (argv[0] === "--version") return { kind: "version" };
  const words = wordsOf(argv);
  if (words[0] === "help") return { kind: "help", words: words.slice(1) };
  const command = commandOf(commands, words);
  if (argv.some(isHelp)) return { kind: "help", words: command?.name.split(" ") ?? words };
  if (command === undefined) throw unknownCommand(commands, words);
  return { kind: "run", command, input: parseInput(command, argv.slice(command.name.split(" ").length)) };
}

/** The words before the first option. */
function wordsOf(argv: readonly string[]): readonly string[] {
  const end = argv.findIndex((word) => word.startsWith("-"));
  return end < 0 ? argv : argv.slice(0, end);
}

const isHelp = (word: string) => word === "--help" || word === "-h";

/** The command with the longest name that is a prefix of the words. */
function commandOf(commands: readonly Command[], words: readonly string[]): Command | undefined {
  return commands
    .filter(({ name }) => name.split(" ").every((word, index) => word === words[index]))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

function unknownCommand(commands: readonly Command[], words: readonly string[]): UsageError {
  if (words.length === 0) return new UsageError("missing command");
  const known = commands.filter(({ name }) => name.startsWith(`${words[0]} `));
  // Later words are not quoted: any of them may be a password.
  if (known.length === 0) return new UsageError(`unknown command "${words[0]}"`);
  return new UsageError(
    words.length === 1
      ? `"${words[0]}" needs a subcommand: ${known.map(({ name }) => name.slice((words[0]?.length ?? 0) + 1)).join(", ")}`
      : `unknown subcommand of "${words[0]}"`,
  );
}

function parseInput(command: Command, argv: readonly string[]): Input<never> {
  const { values, positionals } = parseTyped(command, argv);
  if (positionals.length !== command.args.length) {
    const wanted = command.args.length === 0 ? "no arguments" : command.args.join(" ");
    // The arguments are not quoted: one may be a password.
    throw new UsageError(`expected ${wanted}, got ${plural(positionals.length, "argument")}`);
  }
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, option]) => {
      const texts = textsOf(values[name]);
      if (texts.length > 1 && !option.repeats) throw new UsageError(`--${name} may be given only once`);
      try {
        return [name, option.read(texts)];
      } catch (error) {
        if (error instanceof UsageError) throw new UsageError(`--${name} ${error.message}`);
        throw error;
      }
    }),
  );
  return { args: positionals, options: options as never };
}

type Typed = string | boolean | undefined | readonly (string | boolean)[];

function parseTyped({ options }: Command, argv: readonly string[]) {
  const own = Object.entries(options).map(([name, { takes }]) => {
    const type = takes === undefined ? ("boolean" as const) : ("string" as const);
    return [name, { type, multiple: true }] as const;
  });
  try {
    const parsed = parseArgs({
      args: withTokensJoined(argv),
      options: { ...common, ...Object.fromEntries(own) },
      allowPositionals: true,
      strict: true,
    });
    return { positionals: parsed.positionals, values: parsed.values as Readonly<Record<string, Typed>> };
  } catch (error) {
    throw new UsageError(sentenceOf(error as Error));
  }
}

/** One in 64 page tokens begins with a hyphen and would be taken for another option. */
function withTokensJoined(argv: readonly string[]): string[] {
  return argv.flatMap((word, index) => {
    if (argv[index - 1] === "--page-token") return [];
    return word === "--page-token" && index + 1 < argv.length ? [`${word}=${argv[index + 1]}`] : [word];
  });
}

/** Node's first sentence names options but not values. The advice after it does not apply here. */
function sentenceOf({ message }: Error): string {
  const sentence = message.split(/\.\s|\n/)[0] ?? message;
  return /'--?p(ass(word)?)?'/.test(sentence)
    ? "passwords are not taken from the command line, where all can see them: see --help"
    : sentence.replace(/\.$/, "");
}

function textsOf(typed: Typed): readonly string[] {
  if (typed === undefined) return [];
  return Array.isArray(typed) ? typed.map(String) : [String(typed)];
}
