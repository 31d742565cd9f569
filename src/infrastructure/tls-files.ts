import { constants, type X509Certificate } from "node:crypto";
import { createSecureContext, type Server, type TlsOptions } from "node:tls";
import { ClientAuthorities, certificatesIn, type TrustBundles } from "./client-authorities.ts";
import { keepPresentedChains } from "./presented-chain.ts";
import { FileError, type Reload, watchFiles } from "./watched-files.ts";

/** Where certificate and key are, and whose clients are believed. */
export interface TlsFilesOptions {
  /** PEM, the server's own certificate first, then the intermediate ones. */
  readonly certFile: string;
  /** PEM, not encrypted. */
  readonly keyFile: string;
  /** PEM files of the authorities that sign the certificates of callers, by trust domain. Without one no caller is asked for a certificate. */
  readonly trustBundles?: ReadonlyMap<string, string> | undefined;
  readonly intervalMs?: number;
  readonly onReload?: ((outcome: Reload<unknown>) => void) | undefined;
  /** Told of each certificate that is loaded although it has expired or is not valid yet. */
  readonly onInvalidDates?: ((warning: string) => void) | undefined;
}

/** What a TLS server is set up with from the files. */
export type TlsContext = Pick<
  TlsOptions,
  "cert" | "key" | "ca" | "minVersion" | "requestCert" | "rejectUnauthorized" | "secureOptions"
>;

/** What is made of the files. */
interface Usable {
  readonly context: TlsContext;
  /** The authorities of clients. Undefined if no client is asked for a certificate. */
  readonly bundles: TrustBundles | undefined;
  readonly clientAuthorities: ClientAuthorities | undefined;
}

/** Certificate, key and client authorities from files, kept up to date. */
export interface TlsFiles {
  /** What a TLS server starts with. */
  readonly context: TlsContext;
  /** The authorities whose client certificates are trusted now. Undefined if no client is asked for a certificate. */
  readonly clientAuthorities: ClientAuthorities | undefined;
  /** Gives the server each new context; connections that are open keep theirs. */
  keepUpToDate(server: Server): void;
  /** Calls `listener` after each change of the client authorities. Returns how to stop that. */
  onNewAuthorities(listener: () => void): () => void;
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
  const { certFile, keyFile, trustBundles = new Map(), intervalMs, onReload } = options;
  const servers = new Set<Server>();
  const listeners = new Set<() => void>();
  let authorities = "";
  const warn = (made: Usable) => {
    for (const warning of dateWarnings(made, options, Date.now())) options.onInvalidDates?.(warning);
  };
  const watched = await watchFiles({
    files: [certFile, keyFile, ...trustBundles.values()],
    make: (contents) => usable(contents, options),
    intervalMs,
    onReload(outcome) {
      onReload?.(outcome);
      if (!outcome.ok) return;
      warn(outcome.made);
      for (const server of servers) server.setSecureContext(outcome.made.context);
      const before = authorities;
      authorities = namesOf(outcome.made.bundles);
      if (authorities !== before) for (const listener of listeners) listener();
    },
  });
  authorities = namesOf(watched.current.bundles);
  if (trustBundles.size > 0) keepPresentedChains();
  warn(watched.current);
  return {
    get context() {
      return watched.current.context;
    },
    get clientAuthorities() {
      return watched.current.clientAuthorities;
    },
    onNewAuthorities(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    keepUpToDate(server) {
      servers.add(server);
      server.once("close", () => servers.delete(server));
    },
    close: () => watched.close(),
  };
}

function* dateWarnings(
  made: Usable,
  { certFile, trustBundles }: TlsFilesOptions,
  now: number,
): Iterable<string> {
  const own = certificatesIn(made.context.cert as Buffer).map((each) => [certFile, each] as const);
  const authorities = [...(made.bundles ?? [])].flatMap(([domain, certificates]) =>
    certificates.map((each) => [trustBundles?.get(domain), each] as const),
  );
  for (const [file, { subject, validFromDate, validToDate }] of [...own, ...authorities]) {
    const what = `${file}: the certificate of "${nameOf(subject)}"`;
    if (validToDate.getTime() <= now) {
      yield `${what} expired ${validToDate.toISOString()}; replace it`;
    } else if (validFromDate.getTime() > now) {
      yield `${what} is not valid before ${validFromDate.toISOString()}; replace it, or set the clock`;
    }
  }
}

/** A subject in one line: Node puts each part on a line of its own. */
function nameOf(subject: string): string {
  return subject.replaceAll("\n", ", ");
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
  return certificatesIn(files.context.cert as Buffer).map(({ subject, validFromDate, validToDate }) => {
    return { subject: nameOf(subject), beginTime: validFromDate, expireTime: validToDate };
  });
}

/** What tells two sets of authorities apart. */
function namesOf(bundles: TrustBundles | undefined): string {
  return JSON.stringify(
    [...(bundles ?? [])].map(([domain, each]) => [domain, each.map(({ fingerprint256 }) => fingerprint256)]),
  );
}

function usable([cert, key, ...files]: readonly Buffer[], options: TlsFilesOptions): Usable {
  const { certFile, keyFile } = options;
  // The lowest version is named here because Node's default can be lowered from outside, by a command-line flag.
  const own: TlsContext = { cert, key, minVersion: "TLSv1.2" };
  try {
    // OpenSSL compares the two when it builds the context.
    createSecureContext(own);
  } catch (cause) {
    throw new FileError(`cannot use ${certFile} with ${keyFile}: ${(cause as Error).message}`, { cause });
  }
  if (files.length === 0) return { context: own, bundles: undefined, clientAuthorities: undefined };
  const bundles = bundlesIn(files, options.trustBundles ?? new Map());
  const context: TlsContext = {
    ...own,
    ca: [...files],
    requestCert: true,
    // A caller without a good certificate is answered with an error that says what is wrong, not with a broken handshake.
    rejectUnauthorized: false,
    // A resumed session would keep an earlier verdict about the client's certificate, without its chain.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  return { context, bundles, clientAuthorities: new ClientAuthorities(bundles) };
}

/** @throws FileError, also if one authority is in the bundles of two domains: it could vouch for either in the other's name */
function bundlesIn(contents: readonly Buffer[], files: ReadonlyMap<string, string>): TrustBundles {
  const bundles = new Map<string, X509Certificate[]>();
  const owners = new Map<string, readonly [domain: string, file: string]>();
  for (const [index, [domain, file]] of [...files].entries()) {
    const authorities = authoritiesIn(contents[index] ?? Buffer.of(), file);
    for (const { publicKey, subject } of authorities) {
      const key = publicKey.export({ type: "spki", format: "der" }).toString("base64");
      const [owner, ownersFile] = owners.get(key) ?? [domain, file];
      if (owner !== domain) {
        throw new FileError(
          `cannot use ${file} for ${domain}: the CA "${nameOf(subject)}" is also in ${ownersFile} for ${owner}; ` +
            "give each trust domain its own CA",
        );
      }
      owners.set(key, [domain, file]);
    }
    bundles.set(domain, authorities);
  }
  return bundles;
}

/** OpenSSL takes a file without any certificate, and would then trust no client without a word about the reason. */
function authoritiesIn(bundle: Buffer, file: string): X509Certificate[] {
  let certificates: X509Certificate[];
  try {
    certificates = certificatesIn(bundle);
  } catch (cause) {
    throw new FileError(`cannot use ${file}: ${(cause as Error).message}`, { cause });
  }
  if (certificates.length === 0) throw new FileError(`cannot use ${file}: it contains no certificate`);
  if (!certificates.every(({ ca }) => ca))
    throw new FileError(`cannot use ${file}: it contains a certificate that is not a CA`);
  return certificates;
}
