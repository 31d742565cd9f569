import { StartError } from "../../process/start-error.ts";
/** The embedded PostgreSQL cannot or must not run. The message tells the operator what is wrong and how to fix it. */
export class EmbeddedPostgresError extends StartError {
  override readonly name = "EmbeddedPostgresError";
}

/** A running process holds the data folder. The caller can wait for it, or use the server that it runs. */
export class FolderInUseError extends EmbeddedPostgresError {
  /** Whether the holder runs only a single command. */
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
