import { X509Certificate } from "node:crypto";

const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** Longer chains than OpenSSL follows by default are not valid. */
const longestPath = 10;
const rememberedChains = 10_000;

/** The certificates of a PEM file, in their order. @throws what OpenSSL says of one that cannot be read */
export function certificatesIn(file: Buffer): X509Certificate[] {
  return (file.toString("latin1").match(pem) ?? []).map((text) => new X509Certificate(text));
}

/**
 * The authorities of a client CA bundle. OpenSSL verifies a client's chain once, in the handshake; this class verifies it
 * again for connections that are open when the bundle changes.
 */
export class ClientAuthorities {
  readonly #bundle: readonly X509Certificate[];
  /** By the fingerprints of a chain: connections of one client share their certificate. */
  readonly #known = new Map<string, number | undefined>();

  constructor(bundle: readonly X509Certificate[]) {
    this.#bundle = bundle;
  }

  /**
   * Until when a chain is valid, in milliseconds of the Unix epoch: until the first certificate on the way from the
   * client's own to a root of the bundle expires. Undefined if there is no such way.
   * @param chain the client's own certificate first, then what it presented
   */
  validUntil(chain: readonly X509Certificate[]): number | undefined {
    const key = chain.map(({ fingerprint256 }) => fingerprint256).join();
    if (!this.#known.has(key)) {
      if (this.#known.size >= rememberedChains) this.#known.clear();
      this.#known.set(key, this.#search(chain));
    }
    return this.#known.get(key);
  }

  #search([own, ...presented]: readonly X509Certificate[]): number | undefined {
    return own && this.#longestValid(own, [...this.#bundle, ...presented], []);
  }

  /** Of several ways to a root, the one that stays valid for longest counts. */
  #longestValid(
    certificate: X509Certificate,
    candidates: readonly X509Certificate[],
    path: readonly X509Certificate[],
  ): number | undefined {
    if (path.length >= longestPath || path.some((each) => isSame(each, certificate))) return undefined;
    const expiresAt = certificate.validToDate.getTime();
    if (isIssuedBy(certificate, certificate)) {
      return this.#bundle.some((each) => isSame(each, certificate)) ? expiresAt : undefined;
    }
    const ends = candidates
      .filter((issuer) => issuer.ca && isIssuedBy(certificate, issuer))
      .map((issuer) => this.#longestValid(issuer, candidates, [...path, certificate]))
      .filter((end) => end !== undefined);
    return ends.length === 0 ? undefined : Math.min(expiresAt, Math.max(...ends));
  }
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.raw.equals(other.raw);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
