import { X509Certificate } from "node:crypto";
import { createSecureContext, type Server, type TlsOptions } from "node:tls";
import { FileError, type Reload, watchFiles } from "./watched-files.ts";

/** Where certificate and key are, and whose clients are believed. */
export interface TlsFilesOptions {
  /** PEM, the server's own certificate first, then the intermediate ones. */
  readonly certFile: string;
  /** PEM, not encrypted. */
  readonly keyFile: string;
  /** PEM of the authorities that sign the certificates of callers. Without it no caller is asked for one. */
  readonly clientCaFile?: string | undefined;
  readonly intervalMs?: number;
  readonly onReload?: ((outcome: Reload<unknown>) => void) | undefined;
}

/** What a TLS server is set up with from the files. */
export type TlsContext = Pick<
  TlsOptions,
  "cert" | "key" | "ca" | "minVersion" | "requestCert" | "rejectUnauthorized"
>;

/** Certificate, key and client authorities from files, kept up to date. */
export interface TlsFiles {
  /** What a TLS server starts with. */
  readonly context: TlsContext;
  /** Gives the server each new context; connections that are open keep theirs. */
  keepUpToDate(server: Server): void;
  /** Stops looking at the files. */
  close(): void;
}

/**
 * Reads the files, and again whenever they change. While only one of certificate and key is new, the pair does not fit and
 * the old one stays in use.
 *
 * @throws FileError when there is nothing usable to start with
 */
export async function loadTlsFiles(options: TlsFilesOptions): Promise<TlsFiles> {
  const { certFile, keyFile, clientCaFile, intervalMs, onReload } = options;
  const servers = new Set<Server>();
  const watched = await watchFiles({
    files: [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])],
    make: (contents) => usableContext(contents, options),
    intervalMs,
    onReload(outcome) {
      if (outcome.ok) for (const server of servers) server.setSecureContext(outcome.made);
      onReload?.(outcome);
    },
  });
  return {
    get context() {
      return watched.current;
    },
    keepUpToDate(server) {
      servers.add(server);
      server.once("close", () => servers.delete(server));
    },
    close: () => watched.close(),
  };
}

/** A certificate of the file that is served: the server's own, or one of its chain. */
export interface TlsCertificate {
  readonly subject: string;
  readonly beginTime: Date;
  readonly expireTime: Date;
}

/** Reads the files once, and says what the certificates are. @throws FileError where they cannot be used */
export async function readTlsCertificates(options: TlsFilesOptions): Promise<TlsCertificate[]> {
  const files = await loadTlsFiles(options);
  files.close();
  return (String(files.context.cert).match(pem) ?? []).map((certificate) => {
    const { subject, validFromDate, validToDate } = new X509Certificate(certificate);
    return { subject: subject.replaceAll("\n", ", "), beginTime: validFromDate, expireTime: validToDate };
  });
}

function usableContext([cert, key, ca]: readonly Buffer[], options: TlsFilesOptions): TlsContext {
  const { certFile, keyFile, clientCaFile } = options;
  // The lowest version is named here because Node's default can be lowered from outside, by a command-line flag.
  const own: TlsContext = { cert, key, minVersion: "TLSv1.2" };
  try {
    // OpenSSL compares the two when it builds the context.
    createSecureContext(own);
  } catch (cause) {
    throw new FileError(`cannot use ${certFile} with ${keyFile}: ${(cause as Error).message}`, { cause });
  }
  if (ca === undefined) return own;
  assertAuthorities(ca, clientCaFile ?? "");
  // A caller without a good certificate is answered with an error that says what is wrong, not with a broken handshake.
  return { ...own, ca, requestCert: true, rejectUnauthorized: false };
}

const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** OpenSSL takes a file without any certificate, and would then believe nobody without saying why. */
function assertAuthorities(bundle: Buffer, file: string): void {
  const certificates = bundle.toString("latin1").match(pem) ?? [];
  if (certificates.length === 0) throw new FileError(`cannot use ${file}: it holds no certificate`);
  for (const certificate of certificates) {
    let isAuthority: boolean;
    try {
      isAuthority = new X509Certificate(certificate).ca;
    } catch (cause) {
      throw new FileError(`cannot use ${file}: ${(cause as Error).message}`, { cause });
    }
    if (!isAuthority)
      throw new FileError(`cannot use ${file}: it holds a certificate that is none of an authority`);
  }
}
