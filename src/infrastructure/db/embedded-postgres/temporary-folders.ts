import { randomBytes } from "node:crypto";
import { chown, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { UserIds } from "./closed-folder.ts";
import { systemErrorCode } from "./embedded-postgres-error.ts";

const prefix = "auth-pg-";

/**
 * The temporary folders of a data folder's holder, at any location. Their paths are recorded in the data folder
 * before they are created, so the next holder can remove the remnants of a crash.
 */
export class TemporaryFolders {
  readonly #list: string;
  readonly #paths = new Set<string>();

  private constructor(dataDir: string) {
    this.#list = join(dataDir, "temporary-folders");
  }

  /** Takes over the folders of the previous holder, which is dead, and removes them. */
  static async open(dataDir: string): Promise<TemporaryFolders> {
    const folders = new TemporaryFolders(dataDir);
    const text = await readFile(folders.#list, "utf8").catch((error: unknown) => {
      if (systemErrorCode(error) === "ENOENT") return "";
      throw error;
    });
    for (const path of text.split("\n")) {
      // This process may be root, so it must never remove a path that is not one of its own.
      if (basename(path).startsWith(prefix)) folders.#paths.add(path);
    }
    await folders.removeAll();
    return folders;
  }

  /** Creates an empty folder with a random name that only its owner can enter (0700), and returns its path. */
  async create(parent: string, owner: UserIds): Promise<string> {
    const path = join(parent, prefix + randomBytes(6).toString("hex"));
    this.#paths.add(path);
    await this.#write();
    await mkdir(path, { mode: 0o700 });
    if (owner.uid !== process.geteuid?.()) await chown(path, owner.uid, owner.gid);
    return path;
  }

  /** Removes a folder with its content; it may already be gone. */
  async remove(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true, maxRetries: 5 });
    this.#paths.delete(path);
    await this.#write();
  }

  async removeAll(): Promise<void> {
    for (const path of this.#paths) await this.remove(path);
  }

  async #write(): Promise<void> {
    if (this.#paths.size === 0) await rm(this.#list, { force: true });
    else await writeFile(this.#list, [...this.#paths].join("\n"));
  }
}
