import { constants, type X509Certificate } from "node:crypto";
import { createSecureContext, type Server, type TlsOptions } from "node:tls";
import { FileError, type Reload, watchFiles } from "../files/watched-files.ts";
import { ClientAuthorities, certificatesIn, type TrustBundles } from "./client-authorities.ts";
import { keepPresentedChains } from "./presented-chain.ts";

/** Paths of the certificate, the key and the client authorities. */
export interface TlsFilesOptions {
  /** PEM: the server's own certificate first, then the intermediates. */
  readonly certFile: string;
  /** PEM, not encrypted. */
  readonly keyFile: string;
  /**
   * PEM files of the authorities that sign callers' certificates, by trust domain. If empty, callers are not asked for
   * a certificate.
   */
  readonly trustBundles?: ReadonlyMap<string, string> | undefined;
  readonly intervalMs?: number;
  readonly onReload?: ((outcome: Reload<unknown>) => void) | undefined;
  /** Called with a warning for each loaded certificate that has expired or is not valid yet. */
  readonly onInvalidDates?: ((warning: string) => void) | undefined;
}

/** The options of a TLS server that come from the files. */
export type TlsContext = Pick<
  TlsOptions,
  "cert" | "key" | "ca" | "minVersion" | "requestCert" | "rejectUnauthorized" | "secureOptions"
>;

/** The parsed files. */
interface Usable {
  readonly context: TlsContext;
  /** The authorities of clients. Undefined if clients are not asked for a certificate. */
  readonly bundles: TrustBundles | undefined;
  readonly clientAuthorities: ClientAuthorities | undefined;
}

/** Certificate, key and client authorities from files, kept up to date. */
export interface TlsFiles {
  /** The current options for a TLS server. */
  readonly context: TlsContext;
  /**
   * The authorities whose client certificates are trusted now. Undefined if clients are not asked for a certificate.
   */
  readonly clientAuthorities: ClientAuthorities | undefined;
  /** Applies each new context to the server; open connections keep theirs. */
  keepUpToDate(server: Server): void;
  /** Calls `listener` after each change of the client authorities. Returns a function that ends the subscription. */
  onNewAuthorities(listener: () => void): () => void;
  /** Stops watching the files. */
  close(): void;
}

/**
 * Reads the files, and again whenever they change. If only one of certificate and key is new, the pair does not match
 * and the old pair stays in use.
 *
 * @throws FileError if the files are not usable at the start
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

/** A subject on one line: Node puts each part on its own line. */
function nameOf(subject: string): string {
  return subject.replaceAll("\n", ", ");
}

/** A certificate of the served file: the server's own, or one of its chain. */
export interface TlsCertificate {
  readonly subject: string;
  readonly beginTime: Date;
  readonly expireTime: Date;
}

/** Reads the files once and describes their certificates. @throws FileError if they cannot be used */
export async function readTlsCertificates(options: TlsFilesOptions): Promise<TlsCertificate[]> {
  const files = await loadTlsFiles(options);
  files.close();
  return certificatesIn(files.context.cert as Buffer).map(({ subject, validFromDate, validToDate }) => {
    return { subject: nameOf(subject), beginTime: validFromDate, expireTime: validToDate };
  });
}

/** A string that differs if two sets of authorities differ. */
function namesOf(bundles: TrustBundles | undefined): string {
  return JSON.stringify(
    [...(bundles ?? [])].map(([domain, each]) => [domain, each.map(({ fingerprint256 }) => fingerprint256)]),
  );
}

function usable([cert, key, ...files]: readonly Buffer[], options: TlsFilesOptions): Usable {
  const { certFile, keyFile } = options;
  // Set explicitly, because a command-line flag can lower Node's default.
  const own: TlsContext = { cert, key, minVersion: "TLSv1.2" };
  try {
    // OpenSSL checks that certificate and key match when it builds the context.
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
    // A caller without a valid certificate gets an error with a reason instead of a failed handshake.
    rejectUnauthorized: false,
    // A resumed session would keep an earlier verdict on the client's certificate, without its chain.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  return { context, bundles, clientAuthorities: new ClientAuthorities(bundles) };
}

/** @throws FileError, also if two domains share an authority: it could sign names of either domain for the other */
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

/** OpenSSL accepts a file without certificates, and would then trust no client and give no reason. */
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
