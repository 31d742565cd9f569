import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

const rotateAtBytes = 4 * 1024 * 1024;

/** The file `postgres.log` in the data folder, into which PostgreSQL's programs write what they have to say. */
export class ServerLog {
  readonly path: string;
  /** Descriptor to hand to a program. */
  readonly descriptor: number;
  readonly #start: number;

  private constructor(path: string) {
    this.path = path;
    this.descriptor = openSync(path, "a", 0o600);
    this.#start = fstatSync(this.descriptor).size;
  }

  /** Opens the log. One that has grown large becomes `postgres.old.log`, and the one before that is lost. */
  static open(dataDir: string): ServerLog {
    const path = join(dataDir, "postgres.log");
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > rotateAtBytes) renameSync(path, join(dataDir, "postgres.old.log"));
    return new ServerLog(path);
  }

  /** The last lines written since it was opened, as one line. */
  tail(lines = 5): string {
    try {
      const written = readFileSync(this.path).subarray(this.#start).toString().trim();
      return written.split("\n").slice(-lines).join(" | ") || "it wrote nothing";
    } catch (error) {
      // It is read when something has gone wrong already, which must not be hidden by this.
      return String(error);
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
