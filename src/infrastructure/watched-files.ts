import { StartError } from "./start-error.ts";
import { openTrusted, ReplaceableFileError } from "./trusted-path.ts";

/** Files that make something, and how they are watched. */
export interface WatchedFilesOptions<Made> {
  readonly files: readonly string[];
  /** Makes it of the files' contents, in their order. @throws FileError where it cannot */
  readonly make: (contents: readonly Buffer[]) => Made;
  /** Milliseconds between two looks at the files; 5,000 where not given. */
  readonly intervalMs?: number | undefined;
  /** Told when something new is in use, and at every look while the files cannot be used as they are and the old stays. */
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
  /** Why the files cannot be used as they are now, so that the content of before stays in use. */
  readonly fault: FileError | undefined;
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
      // At every look: one line in the past is not seen by an operator who comes later.
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
  // One after the other, so that where several are missing it is always the same one that is named.
  for (const file of files) contents.push(await read(file));
  return contents;
}

async function read(file: string): Promise<Buffer> {
  try {
    // That others may read it is how secrets are mounted.
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
