/**
 * The network that an IP address is counted with: an IPv4 address by its first 24 bits, an IPv6 address by its first 56,
 * which is what one customer is given. An IPv4 address that is written as an IPv6 one (RFC 4291 §2.5.5.2) is counted as what it
 * is. Undefined for what is no address. The text is canonical: one network has one.
 */
export function networkOf(address: string): string | undefined {
  const v4 = bytesOf(address);
  if (v4 !== undefined) return networkOfBytes(v4);
  const groups = groupsOf(address);
  if (groups === undefined) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const isMapped = [a, b, c, d, e].every((group) => group === 0) && f === 0xffff;
  if (isMapped) return networkOfBytes([g >> 8, g & 0xff, h >> 8, h & 0xff]);
  return `${[a, b, c, d & 0xff00].map((group) => group.toString(16)).join(":")}::/56`;
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

/** The eight groups of an IPv6 address, of which the last two may be written as an IPv4 address. */
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

/** The same address, without an IPv4 address at its end. */
function inGroups(text: string): string {
  const last = text.slice(text.lastIndexOf(":") + 1);
  const [a, b, c, d] = bytesOf(last) ?? [];
  if (a === undefined || b === undefined || c === undefined || d === undefined) return text;
  const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16)).join(":");
  return text.slice(0, -last.length) + groups;
}
