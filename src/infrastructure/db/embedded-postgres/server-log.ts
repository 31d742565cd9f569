import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

const rotateAtBytes = 4 * 1024 * 1024;

/** The file `postgres.log` in the data folder, which receives the output of PostgreSQL's programs. */
export class ServerLog {
  readonly path: string;
  /** Descriptor to pass to a program. */
  readonly descriptor: number;
  readonly #start: number;

  private constructor(path: string) {
    this.path = path;
    this.descriptor = openSync(path, "a", 0o600);
    this.#start = fstatSync(this.descriptor).size;
  }

  /** Opens the log. A log that has grown large becomes `postgres.old.log`, replacing the previous one. */
  static open(dataDir: string): ServerLog {
    const path = join(dataDir, "postgres.log");
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > rotateAtBytes) renameSync(path, join(dataDir, "postgres.old.log"));
    return new ServerLog(path);
  }

  /** The last lines written since the log was opened, joined into one. */
  tail(lines = 5): string {
    try {
      const written = readFileSync(this.path).subarray(this.#start).toString().trim();
      return written.split("\n").slice(-lines).join(" | ") || "it wrote nothing";
    } catch (error) {
      // The log is read after a failure, which a read error must not hide.
      return String(error);
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
