import type { Config } from "../config.ts";
import type { OpenService } from "./open-service.ts";
import type { Option, ValuesOf } from "./option.ts";
import type { Progress } from "./progress.ts";

/** The result of a command, in both forms. */
export interface Answer {
  /** For machines. */
  readonly json: unknown;
  /** For people: lines, the last one ended too. May be empty. */
  readonly text: string;
  /** Whether the exit code is 1: problems were found. */
  readonly failed?: boolean;
  /** What stopped the command before it was done: it is printed after the answer, and the exit code is 1. */
  readonly error?: unknown;
}

/** What a command works with. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the command is asked to stop. */
  readonly signal: AbortSignal;
  /** Whether the text may have colours. */
  readonly colours: boolean;
  /** Prints a line on standard error, except with --json. */
  note(line: string): void;
  /** Shows how far the work of `withService` has come. */
  progress(progress: Progress): void;
  /** The configuration. @throws ConfigError */
  config(): Promise<Config>;
  /** A new password, from a prompt without echo or from standard input. @throws StartError where there is none */
  readPassword(): Promise<string>;
  /** The domain services on the database, until `work` has ended. @throws StartError and what `work` throws */
  withService<T>(work: (service: OpenService) => Promise<T>): Promise<T>;
}

/** What was typed after a command's name. */
export interface Input<Values> {
  /** As many as the command has arguments. */
  readonly args: readonly string[];
  readonly options: Values;
}

/** One command, as it is parsed, run and explained. */
export interface Command {
  /** The words that it is called by: "user create". */
  readonly name: string;
  /** The names of its arguments, all of which are required. */
  readonly args: readonly string[];
  /** What it does, in half a line. */
  readonly summary: string;
  /** What else there is to know: lines for the help. */
  readonly details?: string;
  readonly options: Readonly<Record<string, Option<unknown>>>;
  run(input: Input<never>, surroundings: Surroundings): Promise<Answer>;
}

type Options = Readonly<Record<string, Option<unknown>>>;

/** A command whose `run` knows the types of its options. */
export function command<const Given extends Options>(given: {
  readonly name: string;
  readonly args?: readonly string[];
  readonly summary: string;
  readonly details?: string;
  readonly options?: Given;
  run(input: Input<ValuesOf<Given>>, surroundings: Surroundings): Promise<Answer>;
}): Command {
  return { args: [], options: {}, ...given };
}
