import { type Logger, pino } from "pino";

export type { Logger };

export interface LoggerOptions {
  readonly level: string;
  readonly format: "auto" | "json" | "pretty";
}

/**
 * A logger of JSON lines on standard output, or of lines for people on a terminal. Errors are logged by what they say and
 * where they come from, never by their other properties: those of database drivers hold rows and parameters.
 */
export async function createLogger({ level, format }: LoggerOptions): Promise<Logger> {
  const options = { level, base: null, serializers: { err: describeError } };
  if (format === "pretty" || (format === "auto" && process.stdout.isTTY)) {
    const { default: pretty } = await import("pino-pretty");
    return pino(options, pretty({ sync: true, translateTime: "HH:MM:ss.l", ignore: "pid,hostname" }));
  }
  return pino(
    { ...options, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 1, sync: false }),
  );
}

interface DescribedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: DescribedError;
}

/** How deep a chain of causes is followed. */
const maxCauses = 4;

function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error))
    return { type: typeof error, message: "a value that is not an Error was thrown" };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === "string" ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth >= maxCauses
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}
