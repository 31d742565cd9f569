import { StartError } from "../process/start-error.ts";
import { openTrusted, ReplaceableFileError } from "./trusted-path.ts";

/** Files to watch, and how to build a value from them. */
export interface WatchedFilesOptions<Made> {
  readonly files: readonly string[];
  /** Builds the value from the contents, in the order of `files`. @throws FileError if it cannot */
  readonly make: (contents: readonly Buffer[]) => Made;
  /** Milliseconds between two checks of the files. Defaults to 5,000. */
  readonly intervalMs?: number | undefined;
  /**
   * Called when a new value is in use, and at every check while the files are not usable and the old value stays in
   * use.
   */
  readonly onReload?: ((outcome: Reload<Made>) => void) | undefined;
}

export type Reload<Made> =
  | { readonly ok: true; readonly made: Made }
  | { readonly ok: false; readonly error: FileError };

/** A file cannot be read or used. The message names the file, never its content. */
export class FileError extends StartError {
  override readonly name = "FileError";
}

/** A value built from files, kept up to date. */
export interface WatchedFiles<Made> {
  readonly current: Made;
  /** Why the files are not usable now, so that the previous value stays in use. */
  readonly fault: FileError | undefined;
  /** Stops watching the files. */
  close(): void;
}

const defaultIntervalMs = 5_000;

/** Builds a value from the current files. @throws FileError if they are not usable */
export async function readFiles<Made>({
  files,
  make,
}: Pick<WatchedFilesOptions<Made>, "files" | "make">): Promise<Made> {
  return make(await readAll(files));
}

/**
 * Builds a value from files, and again whenever they change. The content is compared, not the modification time: so
 * files may be overwritten, renamed into place, or swapped behind a symbolic link as Kubernetes does. While the content
 * is not usable, the old value stays in use.
 *
 * @throws FileError if the files are not usable at the start
 */
export async function watchFiles<Made>(options: WatchedFilesOptions<Made>): Promise<WatchedFiles<Made>> {
  let contents = await readAll(options.files);
  let current = options.make(contents);
  let fault: FileError | undefined;

  const look = async () => {
    try {
      const next = await readAll(options.files);
      if (!next.every((content, index) => contents[index]?.equals(content))) {
        current = options.make(next);
        contents = next;
        options.onReload?.({ ok: true, made: current });
      }
      fault = undefined;
    } catch (error) {
      if (!(error instanceof FileError)) return;
      fault = error;
      // At every check: an operator who looks later would miss a single old line.
      options.onReload?.({ ok: false, error });
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
    get fault() {
      return fault;
    },
    close: () => clearInterval(timer),
  };
}

async function readAll(files: readonly string[]): Promise<Buffer[]> {
  const contents: Buffer[] = [];
  // One after another, so that if several are missing, the error always names the same one.
  for (const file of files) contents.push(await read(file));
  return contents;
}

async function read(file: string): Promise<Buffer> {
  try {
    // Other users may read it: that is how secrets are mounted.
    await using handle = await openTrusted(file);
    return await handle.readFile();
  } catch (cause) {
    if (cause instanceof ReplaceableFileError) {
      throw new FileError(`cannot trust ${file}: ${cause.message}`, { cause });
    }
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    throw new FileError(`cannot read ${file}: ${readFaults[code] ?? code}`, { cause });
  }
}

const readFaults: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "it is a folder, not a file",
  ENOENT: "no such file",
};
