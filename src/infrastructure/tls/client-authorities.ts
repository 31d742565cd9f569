import { X509Certificate } from "node:crypto";

const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** OpenSSL's default limit of a chain's length; longer chains are not valid. */
const longestPath = 10;
const rememberedChains = 10_000;

/** The certificates of a PEM file, in the order of the file. @throws OpenSSL's error if one cannot be read */
export function certificatesIn(file: Buffer): X509Certificate[] {
  return (file.toString("latin1").match(pem) ?? []).map((text) => new X509Certificate(text));
}

/** The result of verifying a client's chain. */
export type ChainVerdict =
  | {
      /** The trust domain whose authority signed it. */
      readonly trustDomain: string;
      /** When the first certificate on the path to that authority expires. Milliseconds since the Unix epoch. */
      readonly validUntil: number;
      readonly fault?: undefined;
    }
  | { readonly trustDomain?: undefined; readonly fault: string };

/** SPIFFE trust domains with the certificates of their authorities: roots, and intermediates on the path to them. */
export type TrustBundles = ReadonlyMap<string, readonly X509Certificate[]>;

/**
 * The authorities of each trust domain. OpenSSL verifies a client's chain once, in the handshake, against the
 * authorities of all domains together. This class determines the domain (X509-SVID §5.1), and verifies the chain again
 * for connections that are open when a bundle changes.
 */
export class ClientAuthorities {
  readonly #bundles: TrustBundles;
  /** By the fingerprints of a chain: all connections of a client share its certificate. */
  readonly #known = new Map<string, ChainVerdict>();

  constructor(bundles: TrustBundles) {
    this.#bundles = bundles;
  }

  /**
   * The one trust domain to whose roots a chain leads. A chain that leads to roots of several domains is refused: the
   * path that OpenSSL verified, with all constraints of its certificates, could belong to any of them.
   * @param chain the client's own certificate first, then the others that it presented
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

/** Of several paths to a root, the one that stays valid longest counts. */
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

/** A client may send one certificate many times, and each copy would add another path to search. */
function withoutRepeats(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((each) => [each.fingerprint256, each])).values()];
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.raw.equals(other.raw);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
