import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions, type Server } from "node:tls";
import { StartError } from "./start-error.ts";

/** Where certificate and key are, and how they are watched. */
export interface TlsFilesOptions {
  /** PEM, the server's own certificate first, then the intermediate ones. */
  readonly certFile: string;
  /** PEM, not encrypted. */
  readonly keyFile: string;
  /** Milliseconds between two looks at the files; 5,000 where not given. */
  readonly intervalMs?: number;
  /** Told when a new pair is in use, and when what the files hold now cannot be used and the old pair stays. */
  readonly onReload?: ((outcome: TlsReload) => void) | undefined;
}

export type TlsReload = { readonly ok: true } | { readonly ok: false; readonly error: TlsFilesError };

/** Certificate or key cannot be read, or do not belong together. The message names the files, never their content. */
export class TlsFilesError extends StartError {
  override readonly name = "TlsFilesError";
}

/** Certificate and key from files, kept up to date. */
export interface TlsFiles {
  /** What a TLS server starts with. */
  readonly context: SecureContextOptions;
  /** Gives the server each new pair; connections that are open keep theirs. */
  keepUpToDate(server: Server): void;
  /** Stops looking at the files. */
  close(): void;
}

const defaultIntervalMs = 5_000;

/**
 * Reads certificate and key, and again whenever they change. The content is compared, not the time of change: so it
 * does not matter whether they are overwritten, renamed into place, or swapped behind a symbolic link as Kubernetes
 * does. While only one of the two is new, the pair does not fit and the old one stays in use.
 *
 * @throws TlsFilesError when there is no usable pair to start with
 */
export async function loadTlsFiles(options: TlsFilesOptions): Promise<TlsFiles> {
  const servers = new Set<Server>();
  let current = await readPair(options);
  assertUsable(current, options);
  let lastError = "";

  const look = async () => {
    try {
      const next = await readPair(options);
      if (next.cert.equals(current.cert) && next.key.equals(current.key)) {
        lastError = "";
        return;
      }
      assertUsable(next, options);
      current = next;
      lastError = "";
      for (const server of servers) {
        server.setSecureContext(contextOf(next));
      }
      options.onReload?.({ ok: true });
    } catch (error) {
      // Once for each fault, not at every look.
      if (error instanceof TlsFilesError && error.message !== lastError) {
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
    get context() {
      return contextOf(current);
    },
    keepUpToDate(server) {
      servers.add(server);
      server.once("close", () => servers.delete(server));
    },
    close: () => clearInterval(timer),
  };
}

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

async function readPair({ certFile, keyFile }: TlsFilesOptions): Promise<Pair> {
  // One after the other, so that where both are missing it is always the same one that is named.
  return { cert: await read(certFile), key: await read(keyFile) };
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    throw new TlsFilesError(`cannot read ${file}: ${readFaults[code] ?? code}`, { cause });
  }
}

const readFaults: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ENOENT: "there is no such file",
};

/** OpenSSL compares the two when it builds the context. */
function assertUsable(pair: Pair, { certFile, keyFile }: TlsFilesOptions): void {
  try {
    createSecureContext(contextOf(pair));
  } catch (cause) {
    throw new TlsFilesError(`cannot use ${certFile} with ${keyFile}: ${(cause as Error).message}`, { cause });
  }
}

/** The lowest version is named here because Node's default can be lowered from outside, by a command-line flag. */
function contextOf({ cert, key }: Pair): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.2" };
}
