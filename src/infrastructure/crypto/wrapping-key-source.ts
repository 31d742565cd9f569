import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Secret } from "../../domain/secret.ts";
import { makeFolder } from "../files/make-folder.ts";
import { openTrusted, ReplaceableFileError } from "../files/trusted-path.ts";
import { StartError } from "../process/start-error.ts";
import { WrappingKeys } from "./wrapping-keys.ts";

/** The source of the wrapping keys. `madeIn` is the folder in which a key is created at the first start. */
export type WrappingKeySource =
  | { readonly file: string }
  | { readonly value: Secret }
  | { readonly madeIn: string };

const maxFileSize = 65_536;

/**
 * Reads the wrapping keys, or creates one.
 * @throws StartError if a key is missing, malformed, or cannot be read or created; it names the file but never its
 * content
 */
export async function loadWrappingKeys(source: WrappingKeySource): Promise<WrappingKeys> {
  const found = await findWrappingKeys(source);
  if (found !== undefined) return found;
  if (!("madeIn" in source)) throw new StartError("no wrapping key");
  const file = ownFile(source.madeIn);
  return parse(await make(source.madeIn, file), file);
}

/**
 * Reads the wrapping keys; undefined if the key to be created at the first start does not exist yet.
 * @throws StartError if a key is malformed or cannot be read; it names the file but never its content
 */
export async function findWrappingKeys(source: WrappingKeySource): Promise<WrappingKeys | undefined> {
  if ("value" in source) return parse(source.value.reveal(), "AUTH_WRAPPING_KEY");
  if ("file" in source) {
    // A mounted secret may be readable by its group, or by everyone in the container, but must not be replaceable.
    return parse(await read(source.file, openTrusted), source.file);
  }
  const file = ownFile(source.madeIn);
  const text = await readOwn(file);
  return text === undefined ? undefined : parse(text, file);
}

function ownFile(folder: string): string {
  return join(folder, "wrapping-key");
}

function parse(text: string, source: string): WrappingKeys {
  try {
    return WrappingKeys.parse(text);
  } catch (error) {
    throw new StartError(`${source}: ${(error as Error).message}`);
  }
}

/** Reads the key that this service created; undefined if there is none. */
async function readOwn(file: string): Promise<string | undefined> {
  try {
    return await read(file, openOwn);
  } catch (error) {
    if (error instanceof StartError && codeOf(error.cause) === "ENOENT") return undefined;
    throw error;
  }
}

/** Opens the key that this service created. Only its owner may have access. */
async function openOwn(file: string): Promise<FileHandle> {
  const handle = await open(file, "r");
  // Checks the open file, so that the file that is checked is the one that is read.
  const { mode } = await handle.stat();
  if ((mode & 0o077) === 0) return handle;
  await handle.close();
  const octal = (mode & 0o7777).toString(8).padStart(4, "0");
  throw new StartError(`${file} is accessible to other users (mode ${octal}); run: chmod 600 ${file}`);
}

async function read(file: string, openSafely: (file: string) => Promise<FileHandle>): Promise<string> {
  try {
    await using handle = await openSafely(file);
    const { size } = await handle.stat();
    if (size > maxFileSize) throw new StartError(`${file}: too large; expected at most ${maxFileSize} bytes`);
    return await handle.readFile("utf8");
  } catch (error) {
    if (error instanceof StartError) throw error;
    if (error instanceof ReplaceableFileError) {
      throw new StartError(`cannot trust ${file}: ${error.message}`, { cause: error });
    }
    throw new StartError(`cannot read ${file}: ${errnoMessage(error)}`, { cause: error });
  }
}

/**
 * Creates a key under the file's name. Of several processes that do so at once, one succeeds, and all return its key.
 */
async function make(folder: string, file: string): Promise<string> {
  const draft = `${file}.${process.pid}.${randomBytes(6).toString("hex")}`;
  try {
    // Usually the folder exists: the database created it, accessible to PostgreSQL's user.
    await makeFolder(folder, 0o711);
    try {
      await write(draft, `${randomBytes(32).toString("base64")}\n`);
      // Unlike a rename, a link fails if the name exists.
      await link(draft, file).catch(ignoring("EEXIST"));
    } finally {
      await unlink(draft).catch(ignoring("ENOENT"));
    }
    await using names = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    await names.sync();
  } catch (error) {
    throw new StartError(`cannot create the wrapping key ${file}: ${errnoMessage(error)}`, { cause: error });
  }
  return read(file, openOwn);
}

/** Syncs the file before it gets its name: after a power failure, a file with that name is complete. */
async function write(draft: string, text: string): Promise<void> {
  await using handle: FileHandle = await open(draft, "wx", 0o600);
  await handle.writeFile(text);
  await handle.sync();
}

function ignoring(code: string): (error: unknown) => void {
  return (error) => {
    if (codeOf(error) !== code) throw error;
  };
}

const errnoMessages: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "it is a folder, not a file",
  ENOENT: "no such file",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "a part of its path is not a folder",
  EROFS: "read-only file system",
};

function errnoMessage(error: unknown): string {
  const code = codeOf(error) ?? "";
  return errnoMessages[code] ?? code;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
