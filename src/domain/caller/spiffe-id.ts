/** A SPIFFE ID of a workload: spiffe://example.org/ns/shop/sa/web. */
export interface SpiffeId {
  readonly text: string;
  readonly trustDomain: string;
}

const trustDomain = /^[a-z0-9._-]{1,255}$/;
const segment = /^[A-Za-z0-9._-]+$/;
const maxBytes = 2_048;

/**
 * Parses the SPIFFE ID of a workload; undefined for anything else. As the standard requires, nothing is normalised:
 * percent encoding, an empty or relative segment, a port, a query or a trailing slash make the text invalid (SPIFFE-ID
 * §2). The ID of a workload has a path (X509-SVID §4).
 */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > maxBytes || !text.startsWith("spiffe://")) return undefined;
  const [domain = "", ...path] = text.slice("spiffe://".length).split("/");
  if (!isTrustDomain(domain) || path.length === 0) return undefined;
  if (!path.every((each) => segment.test(each) && each !== "." && each !== "..")) return undefined;
  return { text, trustDomain: domain };
}

export function isTrustDomain(text: string): boolean {
  return trustDomain.test(text);
}
