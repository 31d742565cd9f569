import { DomainError } from "../domain/errors.ts";
import { StartError } from "../infrastructure/process/start-error.ts";
import type { Answer } from "./command.ts";
import { escapeControls } from "./text.ts";
import { UsageError } from "./usage-error.ts";

/** The text for standard output. */
export function printedAnswer({ json, text }: Answer, asJson: boolean): string {
  return asJson ? `${JSON.stringify(json)}\n` : text;
}

/** The text for standard error: one line of JSON, or sentences. Stack traces are printed only for unexpected errors. */
export function printedError(error: unknown, asJson: boolean): string {
  const { reason, message, ...details } = described(error);
  if (asJson) return `${JSON.stringify({ error: { reason, message, ...details } })}\n`;
  const hint = error instanceof UsageError ? ". See auth --help." : "";
  const stack = reason === "INTERNAL" && error instanceof Error ? `\n${error.stack}` : "";
  return `${reason === "INTERNAL" ? "" : "auth: "}${message.split("\n").map(escapeControls).join("\n")}${hint}${stack}\n`;
}

/** The exit code of a command that threw. */
export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError ? 2 : 1;
}

function described(error: unknown) {
  if (error instanceof DomainError) {
    const { reason, message, violations } = error;
    return violations.length === 0 ? { reason, message } : { reason, message, violations };
  }
  if (error instanceof UsageError) return { reason: "USAGE", message: error.message };
  if (error instanceof StartError) return { reason: "NOT_POSSIBLE", message: error.message };
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return { reason: "DEADLINE_EXCEEDED", message: "the command took longer than AUTH_MAX_DEADLINE" };
  }
  return { reason: "INTERNAL", message: "unexpected error" };
}
