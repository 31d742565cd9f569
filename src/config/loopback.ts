import { socketPathOf } from "../infrastructure/sockets/unix-socket.ts";

/** Whether a host is reachable only from this machine. A name or address as written in a URL. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The same for an address: "host:port", or "unix:/path", which is always local. */
export function isLoopback(address: string): boolean {
  if (socketPathOf(address) !== undefined) return true;
  return isLoopbackHost(address.slice(0, address.lastIndexOf(":")));
}

type Addresses = { readonly [Name in "AUTH_GRPC_ADDRESS" | "AUTH_HTTP_ADDRESS"]?: string | undefined };

/** The address settings that are reachable from other machines, with their values. */
export function nonLoopbackAddresses(values: Addresses): [name: keyof Addresses, address: string][] {
  return (["AUTH_GRPC_ADDRESS", "AUTH_HTTP_ADDRESS"] as const).flatMap((name) => {
    const address = values[name];
    return address === undefined || isLoopback(address) ? [] : [[name, address]];
  });
}
