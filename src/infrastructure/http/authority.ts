/** The "host:port" of a Host header: a name, an IPv4 address or an IPv6 address in brackets, and nothing else. */
const authority = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i;

/**
 * Whether the host of a Host header is loopback: 127.0.0.0/8, ::1, localhost and its subdomains (RFC 6761 §6.3), in any
 * spelling that a browser treats the same.
 */
export function isLoopbackAuthority(host: string | undefined): boolean {
  const name = parse("http", host)?.hostname.replace(/\.$/, "");
  if (name === undefined) return false;
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "[::1]" ||
    /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/.test(name) ||
    /^127\.\d+\.\d+\.\d+$/.test(name)
  );
}

/** Whether a Host header does not form a valid URL. Browsers never send one, and Connect answers it with 400. */
export function isInvalidAuthority(host: string | undefined): boolean {
  return host !== undefined && !URL.canParse(`http://${host}`);
}

/** The origin of a host's pages, as browsers send it. Undefined if the host is invalid. */
export function originOf(scheme: "http" | "https", host: string | undefined): string | undefined {
  return parse(scheme, host)?.origin;
}

function parse(scheme: string, host: string | undefined): URL | undefined {
  if (host === undefined || !authority.test(host)) return undefined;
  return URL.parse(`${scheme}://${host}`) ?? undefined;
}
