import { StartError } from "../../start-error.ts";
/**
 * The embedded PostgreSQL cannot run, or may not. The message is for the person who started the service: what is wrong
 * and what to do about it.
 */
export class EmbeddedPostgresError extends StartError {
  override readonly name = "EmbeddedPostgresError";
}

/** The data folder belongs to a process that runs: waiting for it may help, and so may what it runs. */
export class FolderInUseError extends EmbeddedPostgresError {
  /** Whether it has said that it will not be long. */
  readonly isBrief: boolean;

  constructor(message: string, isBrief: boolean) {
    super(message);
    this.isBrief = isBrief;
  }
}

/** A system error's code ("ENOENT"); undefined for anything else that was thrown. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
