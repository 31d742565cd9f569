import type { Config } from "../config/config.ts";
import type { OpenService } from "./open-service.ts";
import type { Option, ValuesOf } from "./option.ts";
import type { Progress } from "./progress.ts";

/** The result of a command, in both output formats. */
export interface Answer {
  /** Printed with --json. */
  readonly json: unknown;
  /** Printed otherwise: lines, each of them terminated. May be empty. */
  readonly text: string;
  /** Whether problems were found, so that the exit code is 1. */
  readonly failed?: boolean;
  /** The error that stopped the command early. It is printed after the answer, and the exit code is 1. */
  readonly error?: unknown;
}

/** The environment of a command. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the command must stop. */
  readonly signal: AbortSignal;
  /** Whether the text may have colours. */
  readonly colours: boolean;
  /** Prints a line on standard error, unless --json is set. */
  note(line: string): void;
  /** Shows the progress of the work in `withService`. */
  progress(progress: Progress): void;
  /** The configuration. @throws ConfigError if a setting is not valid */
  config(): Promise<Config>;
  /** Reads a new password, from a prompt without echo or from standard input. @throws StartError if there is none */
  readPassword(): Promise<string>;
  /**
   * Opens the domain services on the database while `work` runs.
   * @throws StartError if they cannot be opened; what `work` throws
   */
  withService<T>(work: (service: OpenService) => Promise<T>): Promise<T>;
}

/** The arguments and options of a command. */
export interface Input<Values> {
  /** As many as the command has arguments. */
  readonly args: readonly string[];
  readonly options: Values;
}

/** A command: how it is parsed, run and explained. */
export interface Command {
  /** Its name, in words: "user create". */
  readonly name: string;
  /** The names of its arguments. All are required. */
  readonly args: readonly string[];
  /** A short summary of what it does. */
  readonly summary: string;
  /** Further lines for the help. */
  readonly details?: string;
  readonly options: Readonly<Record<string, Option<unknown>>>;
  run(input: Input<never>, context: CommandContext): Promise<Answer>;
}

type Options = Readonly<Record<string, Option<unknown>>>;

/** Creates a command whose `run` knows the types of its options. */
export function command<const Given extends Options>(given: {
  readonly name: string;
  readonly args?: readonly string[];
  readonly summary: string;
  readonly details?: string;
  readonly options?: Given;
  run(input: Input<ValuesOf<Given>>, context: CommandContext): Promise<Answer>;
}): Command {
  return { args: [], options: {}, ...given };
}
