/**
 * The network that an IP address is counted with: an IPv4 address by its first 24 bits, an IPv6 address by its first 56,
 * which is what one customer is given. Undefined for what is no address. The text is canonical: one network has one.
 */
export function networkOf(address: string): string | undefined {
  const mapped = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}$/i.exec(address);
  if (mapped !== null) {
    const bytes = mapped.slice(1, 4).map(Number);
    return bytes.every((byte) => byte < 256) ? `${bytes.join(".")}.0/24` : undefined;
  }
  const groups = expanded(address);
  if (groups === undefined) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = groups;
  return `${[a, b, c, d & 0xff00].map((group) => group.toString(16)).join(":")}::/56`;
}

/** The eight groups of an IPv6 address without an embedded IPv4 one. */
function expanded(address: string): number[] | undefined {
  const [text = "", ...zone] = address.split("%");
  const halves = text.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const [before = [], after] = halves;
  if (zone.length > 1 || halves.length > 2) return undefined;
  const given = before.length + (after?.length ?? 0);
  if (after === undefined ? given !== 8 : given > 7) return undefined;
  const groups = [...before, ...Array<string>(8 - given).fill("0"), ...(after ?? [])];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}
