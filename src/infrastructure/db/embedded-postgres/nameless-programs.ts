import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Binaries, programsIn } from "./binaries.ts";
import { hasPasswdEntry } from "./dedicated-user.ts";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import type { ProcessOwner } from "./process-owner.ts";
import type { TemporaryFolders } from "./temporary-folders.ts";

export interface AccountFreePlan {
  readonly dataDir: string;
  readonly binaries: Binaries;
  readonly owner: ProcessOwner;
  readonly folders: TemporaryFolders;
}

/**
 * The programs that create a cluster, for a user that may have no account. initdb, and the server when initdb runs
 * it, look up their user's name in the C library and fail without one, although the name is only a default for
 * `--username`. For a user without an account the programs are copied, and the copies request the first account in
 * the list: `getpwent` replaces `getpwuid`, a name of the same length. Dispose of the result after use.
 */
export async function withoutAccount(
  plan: AccountFreePlan,
): Promise<Pick<Binaries, "initdb"> & AsyncDisposable> {
  const { dataDir, binaries, owner, folders } = plan;
  if (await hasPasswdEntry(owner.user.uid)) {
    return { initdb: binaries.initdb, [Symbol.asyncDispose]: async () => {} };
  }
  const folder = await folders.create(dataDir, {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
  });
  await chmod(folder, 0o755);
  await mkdir(join(folder, "bin"));
  await chmod(join(folder, "bin"), 0o755);
  for (const name of ["lib", "share"]) await symlink(join(binaries.folder, name), join(folder, name));
  for (const program of [binaries.initdb, binaries.postgres]) {
    const copy = join(folder, "bin", basename(program));
    await writeFile(copy, askForFirstAccount(await readFile(program), program));
    await chmod(copy, 0o755);
  }
  return {
    initdb: programsIn(folder, binaries.version).initdb,
    [Symbol.asyncDispose]: () => folders.remove(folder),
  };
}

const asked = Buffer.from("\0getpwuid\0");
const answered = Buffer.from("\0getpwent\0");

/** A program with one name replaced in its table of dynamic symbols (.dynstr). */
function askForFirstAccount(program: Buffer, path: string): Buffer {
  const changed = Buffer.from(program);
  const at = changed.indexOf(asked);
  if (at < 0) {
    throw new EmbeddedPostgresError(
      `${path} cannot be prepared for a user without an account (it does not call getpwuid); run auth as a user that has one, or set DATABASE_URL`,
    );
  }
  answered.copy(changed, at);
  return changed;
}
