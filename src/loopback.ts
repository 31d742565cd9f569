import { socketPathOf } from "./infrastructure/unix-socket.ts";

/** Whether nobody but this machine can reach a host: a name or address as it stands in a URL. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The same of an address: "host:port", or "unix:/path", which is a socket of this machine. */
export function isLoopback(address: string): boolean {
  if (socketPathOf(address) !== undefined) return true;
  return isLoopbackHost(address.slice(0, address.lastIndexOf(":")));
}

type Addresses = { readonly [Name in "AUTH_GRPC_ADDRESS" | "AUTH_HTTP_ADDRESS"]?: string | undefined };

/** The settings of addresses that more than this machine can reach, and what they are. */
export function openAddresses(values: Addresses): [name: keyof Addresses, address: string][] {
  return (["AUTH_GRPC_ADDRESS", "AUTH_HTTP_ADDRESS"] as const).flatMap((name) => {
    const address = values[name];
    return address === undefined || isLoopback(address) ? [] : [[name, address]];
  });
}
