/**
 * The network that an IP address is counted with: the first 24 bits of an IPv4 address, or the first 56 of an IPv6
 * address, which is what one customer is assigned. An IPv6 address that represents an IPv4 address is counted as that
 * address: behind a translator or relay, all clients share a prefix, and one client has many addresses. Returns
 * undefined if the text is not an address. The result is canonical: one text per network.
 */
export function networkOf(address: string): string | undefined {
  const v4 = bytesOf(address);
  if (v4 !== undefined) return networkOfBytes(v4);
  const groups = groupsOf(address);
  if (groups === undefined) return undefined;
  const embedded = embeddedIn(groups);
  if (embedded !== undefined) return networkOfBytes(embedded);
  const [a = 0, b = 0, c = 0, d = 0] = groups;
  return `${[a, b, c, d & 0xff00].map((group) => group.toString(16)).join(":")}::/56`;
}

/** The IPv4 address that an IPv6 address represents, if any. */
function embeddedIn(groups: readonly number[]): number[] | undefined {
  const [, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const begins = (...prefix: number[]) => prefix.every((group, index) => group === groups[index]);
  // IPv4-mapped (RFC 4291 §2.5.5.2), and NAT64 with the well-known prefix 64:ff9b::/96 (RFC 6052 §2.1).
  if (begins(0, 0, 0, 0, 0, 0xffff) || begins(0x64, 0xff9b, 0, 0, 0, 0)) return bytesIn(g, h);
  // NAT64 with a local-use prefix, 64:ff9b:1::/48 (RFC 8215): a /96 within it, or the /48 itself, whose addresses have
  // zero in bits 64 to 71 and at the end (RFC 6052 §2.2).
  if (begins(0x64, 0xff9b, 1))
    return g === 0 && h === 0 ? bytesIn(d, ((e & 0xff) << 8) | (f >> 8)) : bytesIn(g, h);
  // 6to4 (RFC 3056 §2).
  if (begins(0x2002)) return bytesIn(b, c);
  // Teredo (RFC 4380 §4): the client's address, with its bits inverted.
  if (begins(0x2001, 0)) return bytesIn(g ^ 0xffff, h ^ 0xffff);
  return undefined;
}

function bytesIn(high: number, low: number): number[] {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff];
}

function networkOfBytes(bytes: readonly number[]): string {
  return `${bytes.slice(0, 3).join(".")}.0/24`;
}

/** The four bytes of an IPv4 address. */
function bytesOf(address: string): number[] | undefined {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte < 256) ? bytes : undefined;
}

/** The eight groups of an IPv6 address. The last two may be written as an IPv4 address. */
function groupsOf(address: string): number[] | undefined {
  const [text = "", ...zone] = address.split("%");
  const halves = inGroups(text).split("::");
  if (zone.length > 1 || halves.length > 2) return undefined;
  const [before = [], after] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = before.length + (after?.length ?? 0);
  if (after === undefined ? given !== 8 : given > 7) return undefined;
  const groups = [...before, ...Array<string>(8 - given).fill("0"), ...(after ?? [])];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}

/** Rewrites a trailing IPv4 address as two groups. */
function inGroups(text: string): string {
  const last = text.slice(text.lastIndexOf(":") + 1);
  const [a, b, c, d] = bytesOf(last) ?? [];
  if (a === undefined || b === undefined || c === undefined || d === undefined) return text;
  const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16)).join(":");
  return text.slice(0, -last.length) + groups;
}
