import { isInTimeRange } from "../domain/time-range.ts";
import { parseDateTime, parseDay } from "../infrastructure/text/rfc3339.ts";
import { UsageError } from "./usage-error.ts";

/** An option of a command: its syntax, its help and its value. */
export interface Option<Value> {
  /** The name of its value in the help ("EMAIL"), or undefined if it does not take a value. */
  readonly takes: string | undefined;
  readonly help: string;
  /** Whether it may be repeated. */
  readonly repeats: boolean;
  /**
   * Parses the value.
   * @param texts the values on the command line
   * @throws UsageError whose message continues after the option's name
   */
  read(texts: readonly string[]): Value;
}

/** The parsed values of options. */
export type ValuesOf<Options extends Readonly<Record<string, Option<unknown>>>> = {
  readonly [Name in keyof Options]: ReturnType<Options[Name]["read"]>;
};

export function flag(help: string): Option<boolean> {
  return { takes: undefined, help, repeats: false, read: (texts) => texts.length > 0 };
}

export function text(takes: string, help: string): Option<string | undefined> {
  return { takes, help, repeats: false, read: ([only]) => only };
}

/** A text, any number of times. */
export function texts(takes: string, help: string): Option<readonly string[]> {
  return { takes, help, repeats: true, read: (all) => all };
}

/** KEY=VALUE, any number of times. */
export function pairs(help: string): Option<Readonly<Record<string, string>>> {
  return {
    takes: "KEY=VALUE",
    help,
    repeats: true,
    read: (texts) =>
      Object.fromEntries(
        texts.map((each) => {
          const equals = each.indexOf("=");
          if (equals < 1) throw new UsageError("must be KEY=VALUE");
          return [each.slice(0, equals), each.slice(equals + 1)];
        }),
      ),
  };
}

export function wholeNumber(takes: string, help: string): Option<number | undefined> {
  return optional(takes, help, (given) => {
    if (!/^\d{1,9}$/.test(given)) throw new UsageError("must be a whole number");
    return Number(given);
  });
}

export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  help: string,
): Option<Choice | undefined> {
  return optional(choices.join("|"), help, (given) => {
    const chosen = choices.find((choice) => choice === given);
    if (chosen === undefined) throw new UsageError(`must be one of ${choices.join(", ")}`);
    return chosen;
  });
}

/** A time in the years 1 to 9999: RFC 3339 with an offset, or a day, which begins at midnight UTC. */
export function time(help: string): Option<Date | undefined> {
  return optional("TIME", help, (given) => {
    const moment = parseDay(given) ?? parseDateTime(given);
    if (moment === undefined || !isInTimeRange(moment)) {
      throw new UsageError('must be a time such as "2027-01-31T12:00:00Z", or a day such as "2027-01-31"');
    }
    return moment;
  });
}

function optional<Value>(
  takes: string,
  help: string,
  read: (given: string) => Value,
): Option<Value | undefined> {
  return {
    takes,
    help,
    repeats: false,
    read: ([only]) => (only === undefined ? undefined : read(only)),
  };
}
