import { X509Certificate } from "node:crypto";

const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** Longer chains than OpenSSL follows by default are not valid. */
const longestPath = 10;
const rememberedChains = 10_000;

/** The certificates of a PEM file, in their order. @throws what OpenSSL says of one that cannot be read */
export function certificatesIn(file: Buffer): X509Certificate[] {
  return (file.toString("latin1").match(pem) ?? []).map((text) => new X509Certificate(text));
}

/** What the authorities say of a client's chain. */
export type ChainVerdict =
  | {
      /** The trust domain whose authority vouches for it. */
      readonly trustDomain: string;
      /** When the first certificate on the way to that authority expires. Milliseconds of the Unix epoch. */
      readonly validUntil: number;
      readonly fault?: undefined;
    }
  | { readonly trustDomain?: undefined; readonly fault: string };

/** SPIFFE trust domains and the certificates of their authorities: roots, and intermediates on the way to them. */
export type TrustBundles = ReadonlyMap<string, readonly X509Certificate[]>;

/**
 * The authorities of each trust domain. OpenSSL verifies a client's chain once, in the handshake, by the authorities of all
 * domains together; this class finds out which domain they belong to (X509-SVID §5.1), and verifies the chain again for
 * connections that are open when a bundle changes.
 */
export class ClientAuthorities {
  readonly #bundles: TrustBundles;
  /** By the fingerprints of a chain: connections of one client share their certificate. */
  readonly #known = new Map<string, ChainVerdict>();

  constructor(bundles: TrustBundles) {
    this.#bundles = bundles;
  }

  /**
   * The one trust domain to whose roots a chain leads. Only then is the way that OpenSSL has verified, with all constraints
   * of its certificates, certain to be one of that domain. So a chain that leads to roots of several domains is refused.
   * @param chain the client's own certificate first, then all that it presented
   */
  verify(chain: readonly X509Certificate[]): ChainVerdict {
    const key = chain.map(({ fingerprint256 }) => fingerprint256).join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= rememberedChains) this.#known.clear();
    const verdict = this.#search(chain);
    this.#known.set(key, verdict);
    return verdict;
  }

  #search([own, ...presented]: readonly X509Certificate[]): ChainVerdict {
    const candidates = withoutRepeats([...this.#bundles.values(), presented].flat());
    const found = [...this.#bundles].flatMap(([trustDomain, roots]) => {
      const validUntil = own && longestValid(own, roots, candidates, []);
      return validUntil === undefined ? [] : [{ trustDomain, validUntil }];
    });
    const [verdict, ...others] = found;
    if (verdict === undefined) return { fault: "it is not signed by a CA of a configured trust domain" };
    if (others.length === 0) return verdict;
    const domains = found.map(({ trustDomain }) => trustDomain).join(", ");
    return {
      fault: `its chain leads to CAs of several trust domains (${domains}); present only intermediates of its own trust domain`,
    };
  }
}

/** Of several ways to a root, the one that stays valid for longest counts. */
function longestValid(
  certificate: X509Certificate,
  roots: readonly X509Certificate[],
  candidates: readonly X509Certificate[],
  path: readonly X509Certificate[],
): number | undefined {
  if (path.length >= longestPath || path.some((each) => isSame(each, certificate))) return undefined;
  const expiresAt = certificate.validToDate.getTime();
  if (isIssuedBy(certificate, certificate)) {
    return roots.some((each) => isSame(each, certificate)) ? expiresAt : undefined;
  }
  const ends = candidates
    .filter((issuer) => issuer.ca && isIssuedBy(certificate, issuer))
    .map((issuer) => longestValid(issuer, roots, candidates, [...path, certificate]))
    .filter((end) => end !== undefined);
  return ends.length === 0 ? undefined : Math.min(expiresAt, Math.max(...ends));
}

/** A client may send one certificate many times, and each would be one more way to look at. */
function withoutRepeats(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((each) => [each.fingerprint256, each])).values()];
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.raw.equals(other.raw);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
