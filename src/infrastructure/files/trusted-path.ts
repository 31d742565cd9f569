import { constants, type Stats } from "node:fs";
import { access, type FileHandle, lstat, open, readlink } from "node:fs/promises";
import { resolve } from "node:path";

/** Another user could replace a file. The message names the path to change and the command. */
export class ReplaceableFileError extends Error {
  override readonly name = "ReplaceableFileError";
}

/** The maximum that Linux follows. */
const maxLinks = 40;
/** Kubernetes may swap a volume while its path is checked. */
const maxAttempts = 3;

/**
 * Opens a file that only root and the current user can replace, according to the owners and modes of the file, of each
 * folder above it, and of each symbolic link on the way.
 * @throws ReplaceableFileError if another user could replace the file; file system errors
 */
export async function openTrusted(file: string): Promise<FileHandle> {
  for (let tries = 1; ; tries++) {
    const handle = await open(file, "r");
    try {
      const opened = await handle.stat();
      const checked = await checkPath(file).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT" && tries < maxAttempts) return undefined;
        throw error;
      });
      // The checked path leads to the opened file.
      if (checked === "any" || (checked?.dev === opened.dev && checked.ino === opened.ino)) return handle;
      if (tries >= maxAttempts)
        throw new ReplaceableFileError(`${file} was replaced while it was being read`);
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
  }
}

/**
 * The file that a path leads to; "any" on systems without users.
 * @throws ReplaceableFileError if another user could replace it
 */
async function checkPath(file: string): Promise<Stats | "any"> {
  const us = identity();
  if (us === undefined) return "any";
  const seen = new Set<string>();
  let rest = resolve(file).split("/").slice(1);
  let folder = "/";
  let links = 0;
  for (;;) {
    if (!seen.has(folder)) {
      seen.add(folder);
      refuse(await folderFault(folder, us));
    }
    const [name = "", ...others] = rest;
    const path = folder === "/" ? `/${name}` : `${folder}/${name}`;
    const entry = await lstat(path);
    if (!us.owners.has(entry.uid)) refuse(ownerFault(path, entry));
    if (entry.isSymbolicLink()) {
      links += 1;
      if (links > maxLinks)
        throw Object.assign(new Error(`too many symbolic links: ${file}`), { code: "ELOOP" });
      const target = resolve(folder, await readlink(path))
        .split("/")
        .slice(1);
      rest = [...target, ...others];
      folder = "/";
      continue;
    }
    if (others.length === 0) {
      if (!entry.isDirectory()) refuse(writeFault(path, entry, us));
      return entry;
    }
    rest = others;
    folder = path;
  }
}

function refuse(fault: string | undefined): void {
  if (fault !== undefined) throw new ReplaceableFileError(fault);
}

interface Identity {
  /** Root and the current user. */
  readonly owners: ReadonlySet<number>;
  /** The groups of root and of the current user: a Kubernetes volume belongs to the pod's fsGroup. */
  readonly groups: ReadonlySet<number>;
}

/** Undefined on systems without users. */
function identity(): Identity | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined;
  return {
    owners: new Set([0, uid]),
    groups: new Set([0, process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])]),
  };
}

async function folderFault(folder: string, us: Identity): Promise<string | undefined> {
  const stats = await lstat(folder);
  if (!us.owners.has(stats.uid)) return ownerFault(folder, stats);
  // With the sticky bit, only its owner can rename or remove an entry, and the owner of each entry is checked too.
  if ((stats.mode & 0o1000) !== 0) return undefined;
  const fault = writeFault(folder, stats, us);
  // Kubernetes mounts the folder of a ConfigMap with mode 777, but read-only.
  return fault === undefined || (await isReadOnly(folder)) ? undefined : fault;
}

function ownerFault(path: string, { uid }: Stats): string {
  return `${path} belongs to uid ${uid}, which could replace it; run: chown ${process.geteuid?.()} ${path}`;
}

function writeFault(path: string, { mode, gid }: Stats, us: Identity): string | undefined {
  if ((mode & 0o002) !== 0) return `${path} is writable by every user; run: chmod o-w ${path}`;
  if ((mode & 0o020) !== 0 && !us.groups.has(gid)) {
    return `${path} is writable by group ${gid}, to which this process does not belong; run: chmod g-w ${path}`;
  }
  return undefined;
}

/** Whether the folder is on a read-only file system. */
async function isReadOnly(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "EROFS",
  );
}
