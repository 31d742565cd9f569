import { type Logger, pino } from "pino";

export type { Logger };

export interface LoggerOptions {
  readonly level: string;
  readonly format: "auto" | "json" | "pretty";
}

/**
 * A logger that writes JSON lines to standard output, or readable lines to a terminal. Errors are logged with name,
 * message, code, stack and causes, never with other properties: those of database drivers hold rows and parameters.
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

/** Maximum depth of a logged chain of causes. */
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
