import { chmod, lstat, stat, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";

/** Maximum length of a socket path on Linux, in bytes: 108 minus the terminating NUL. */
export const longestSocketPath = 107;

/** Its owner and its group may connect. */
const socketMode = 0o660;

/** The path in an address "unix:/path"; undefined for other addresses. */
export function socketPathOf(address: string): string | undefined {
  return address.startsWith("unix:/") ? address.slice("unix:".length) : undefined;
}

/** What exists at a socket path: nothing, a socket without a server, or a socket with a server. */
export type SocketState = "absent" | "stale" | "live";

/** @throws Error with a reason, or with the code of the operating system, if a socket cannot exist at the path */
export async function findSocket(path: string): Promise<SocketState> {
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new Error(`the path is longer than ${longestSocketPath} bytes`);
  }
  try {
    if (!(await lstat(path)).isSocket()) throw new Error("the file at this path is not a socket; remove it");
    await connectTo(path);
    return "live";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "absent";
    if (code === "ECONNREFUSED") return "stale";
    // The queue of its server is full.
    if (code === "EAGAIN") return "live";
    throw error;
  }
}

function connectTo(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}

/**
 * Listens on a socket with mode 0660, and replaces a socket whose server is gone. Node removes the socket when the
 * server is closed.
 * @throws as `findSocket` does; EADDRINUSE if another server listens there
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  // Without this check libuv reports a missing folder as a missing permission.
  await stat(dirname(path));
  const state = await findSocket(path);
  if (state === "live") throw Object.assign(new Error("listen EADDRINUSE"), { code: "EADDRINUSE" });
  if (state === "stale") await unlink(path);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // Node creates the socket before `listen` returns, so it never has another mode.
    const umask = process.umask(0o777 & ~socketMode);
    try {
      server.listen({ path }, () => {
        server.off("error", reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
  // A default ACL of the folder could have added permissions.
  await chmod(path, socketMode);
}
