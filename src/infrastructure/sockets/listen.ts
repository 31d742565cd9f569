import { lookup } from "node:dns/promises";
import { type AddressInfo, isIP, type Server } from "node:net";
import { StartError } from "../process/start-error.ts";
import { listenOnSocket, socketPathOf } from "./unix-socket.ts";

/**
 * A listener cannot start. The message names the address and the reason: "cannot listen on 127.0.0.1:50051: address
 * already in use".
 */
export class ListenError extends StartError {
  override readonly name = "ListenError";
  readonly address: string;

  constructor(address: string, reason: string, cause?: unknown) {
    super(`cannot listen on ${address}: ${reason}`, { cause });
    this.address = address;
  }
}

/** A bound address. */
export interface Bound {
  /** `host:port` with the configured host and the bound port, or `unix:/path`. */
  readonly address: string;
  /** One server for each address of the host name. */
  readonly servers: readonly Server[];
}

/**
 * Binds an address: `unix:/path`, or `host:port` with an IPv6 host in brackets and port 0 for any free port. A name is
 * bound on all its addresses, so that "localhost" answers on 127.0.0.1 and on ::1. Addresses that this machine does not
 * have are skipped if it has at least one of them.
 *
 * @param open creates a server that does not listen yet; called once per address
 * @throws ListenError if the address cannot be bound; no server is left listening
 */
export async function bind(address: string, open: () => Server): Promise<Bound> {
  const path = socketPathOf(address);
  if (path !== undefined) return bindSocket(address, path, open());
  const { host, port } = parse(address);
  const hosts = await resolve(host, address);
  const servers: Server[] = [];
  const absent: unknown[] = [];
  let boundPort = port;
  try {
    for (const each of hosts) {
      const server = open();
      try {
        await listen(server, each, boundPort);
      } catch (error) {
        if (!isAbsent(error)) {
          throw error;
        }
        absent.push(error);
        continue;
      }
      servers.push(server);
      boundPort = (server.address() as AddressInfo).port;
    }
    if (servers.length === 0) {
      throw absent[0];
    }
  } catch (error) {
    for (const server of servers) {
      server.close();
    }
    throw new ListenError(address, reasonOf(error), error);
  }
  return { address: `${isIP(host) === 6 ? `[${host}]` : host}:${boundPort}`, servers };
}

async function bindSocket(address: string, path: string, server: Server): Promise<Bound> {
  try {
    await listenOnSocket(server, path);
  } catch (error) {
    server.close();
    throw new ListenError(address, reasonOf(error), error);
  }
  server.on("error", ignore);
  return { address, servers: [server] };
}

function parse(address: string): { host: string; port: number } {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+)):(?<port>\d{1,5})$/.exec(address);
  const host = match?.groups?.["v6"] ?? match?.groups?.["name"];
  const port = Number(match?.groups?.["port"]);
  if (host === undefined || port > 65_535 || (match?.groups?.["v6"] !== undefined && isIP(host) !== 6)) {
    throw new ListenError(address, "expected host:port or unix:/path");
  }
  return { host, port };
}

async function resolve(host: string, address: string): Promise<string[]> {
  if (isIP(host) !== 0) {
    return [host];
  }
  try {
    const found = await lookup(host, { all: true });
    return [...new Set(found.map((each) => each.address))];
  } catch (error) {
    throw new ListenError(address, reasonOf(error), error);
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      // Accepting can fail later, if no file descriptor is free. Without a listener, that error would end the process.
      server.on("error", ignore);
      resolve();
    });
  });
}

function ignore(): void {}

function isAbsent(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "not an address of this machine",
  EAFNOSUPPORT: "address family not supported by this machine",
  ENOENT: "no such folder",
  ENOTDIR: "the parent of this path is not a folder",
  EROFS: "read-only file system",
  EAI_AGAIN: "the host name cannot be resolved at the moment",
  ENOTFOUND: "unknown host name",
};

function reasonOf(error: unknown): string {
  return reasons[codeOf(error) ?? ""] ?? (error instanceof Error ? error.message : String(error));
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
