import { open } from "node:fs/promises";
import { StartError } from "./start-error.ts";

/** Files that make something, and how they are watched. */
export interface WatchedFilesOptions<Made> {
  readonly files: readonly string[];
  /** Makes it of the files' contents, in their order. @throws FileError where it cannot */
  readonly make: (contents: readonly Buffer[]) => Made;
  /** Milliseconds between two looks at the files; 5,000 where not given. */
  readonly intervalMs?: number | undefined;
  /** Told when something new is in use, and when what the files hold now cannot be used and the old stays. */
  readonly onReload?: ((outcome: Reload<Made>) => void) | undefined;
}

export type Reload<Made> =
  | { readonly ok: true; readonly made: Made }
  | { readonly ok: false; readonly error: FileError };

/** A file cannot be read, or not be used. The message names the file, never its content. */
export class FileError extends StartError {
  override readonly name = "FileError";
}

/** What was made of files, kept up to date. */
export interface WatchedFiles<Made> {
  readonly current: Made;
  /** Stops looking at the files. */
  close(): void;
}

const defaultIntervalMs = 5_000;

/** Makes something of files as they are now. @throws FileError */
export async function readFiles<Made>({
  files,
  make,
}: Pick<WatchedFilesOptions<Made>, "files" | "make">): Promise<Made> {
  return make(await readAll(files));
}

/**
 * Makes something of files, and again whenever they change. The content is compared, not the time of change: so it does
 * not matter whether they are overwritten, renamed into place, or swapped behind a symbolic link as Kubernetes does. While
 * what they hold cannot be used, the old stays in use.
 *
 * @throws FileError when there is nothing usable to start with
 */
export async function watchFiles<Made>(options: WatchedFilesOptions<Made>): Promise<WatchedFiles<Made>> {
  let contents = await readAll(options.files);
  let current = options.make(contents);
  let lastError = "";

  const look = async () => {
    try {
      const next = await readAll(options.files);
      if (!next.every((content, index) => contents[index]?.equals(content))) {
        current = options.make(next);
        contents = next;
        options.onReload?.({ ok: true, made: current });
      }
      lastError = "";
    } catch (error) {
      // Once for each fault, not at every look.
      if (error instanceof FileError && error.message !== lastError) {
        lastError = error.message;
        options.onReload?.({ ok: false, error });
      }
    }
  };

  let looking = false;
  const timer = setInterval(() => {
    if (!looking) {
      looking = true;
      void look().finally(() => {
        looking = false;
      });
    }
  }, options.intervalMs ?? defaultIntervalMs).unref();

  return {
    get current() {
      return current;
    },
    close: () => clearInterval(timer),
  };
}

async function readAll(files: readonly string[]): Promise<Buffer[]> {
  const contents: Buffer[] = [];
  // One after the other, so that where several are missing it is always the same one that is named.
  for (const file of files) contents.push(await read(file));
  return contents;
}

async function read(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file, "r");
    // Of the open file, so that it is the one that is read. That others may read it is how mounted secrets are.
    const { mode } = await handle.stat();
    if ((mode & 0o002) !== 0) {
      throw new FileError(`${file} may be changed by everybody. Run: chmod o-w ${file}`);
    }
    return await handle.readFile();
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    throw new FileError(`cannot read ${file}: ${readFaults[code] ?? code}`, { cause });
  }
}

const readFaults: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ENOENT: "there is no such file",
};
