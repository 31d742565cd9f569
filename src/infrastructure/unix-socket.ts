import { chmod, lstat, stat, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";

/** The longest path of a socket on Linux, in bytes: 108 less the NUL at its end. */
export const longestSocketPath = 107;

/** Its owner and its group may connect. */
const socketMode = 0o660;

/** The path of an address "unix:/path"; undefined if it is not one. */
export function socketPathOf(address: string): string | undefined {
  return address.startsWith("unix:/") ? address.slice("unix:".length) : undefined;
}

/** What is at the path of a socket: nothing, a socket without a server, or one with a server. */
export type SocketState = "absent" | "stale" | "live";

/** @throws Error with a reason, or with the code of the operating system, if there cannot be a socket at the path */
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
    // Its server has more connections waiting than it accepts.
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
 * Listens on a socket, mode 0660, in the place of one whose server has gone. Node removes it when the server is closed.
 * @throws as `findSocket` does; EADDRINUSE if another server listens there
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  // Without this look a missing folder would be reported as a lack of permission (libuv).
  await stat(dirname(path));
  const state = await findSocket(path);
  if (state === "live") throw Object.assign(new Error("listen EADDRINUSE"), { code: "EADDRINUSE" });
  if (state === "stale") await unlink(path);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // Node makes the socket before `listen` returns, so that it never has another mode.
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
  // A default ACL of the folder could have given more.
  await chmod(path, socketMode);
}
