import { BlockList, isIP } from "node:net";
import type { Peer } from "../../domain/caller/peer.ts";

/**
 * Sidecars that may forward the client certificates that they received, by address or network: "127.0.0.6" or
 * "10.0.0.0/8".
 */
export class Sidecars {
  readonly #networks = new BlockList();

  /** @param networks each in the form that `isNetwork` accepts */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = "", length] = network.split("/");
      const family = isIP(address) === 6 ? "ipv6" : "ipv4";
      if (length === undefined) this.#networks.addAddress(address, family);
      else this.#networks.addSubnet(address, Number(length), family);
    }
  }

  includes({ address }: Peer): boolean {
    const version = isIP(address);
    return version !== 0 && this.#networks.check(address, version === 6 ? "ipv6" : "ipv4");
  }
}

export function isNetwork(text: string): boolean {
  const [address = "", length, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || rest.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (version === 6 ? 128 : 32));
}
