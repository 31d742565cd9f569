import { mkdir, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import {
  accessiblePathFor,
  defaultDataDir,
} from "../../../../src/infrastructure/db/embedded-postgres/closed-folder.ts";
import {
  EmbeddedPostgresError,
  startEmbeddedPostgres,
} from "../../../../src/infrastructure/db/embedded-postgres.ts";
import { run, test } from "../../../support/embedded-postgres.ts";

const isRoot = process.geteuid?.() === 0;
/** What is promised of a folder that cannot be used. */
const refusesWithinMs = 1_000;

/** The message that a start on a folder is refused with, and how long that took. */
async function refusalOf(dataDir: string): Promise<{ message: string; afterMs: number }> {
  const begunAt = performance.now();
  const error = await startEmbeddedPostgres({ dataDir }).then(
    async (postgres) => {
      await postgres.stop();
      throw new Error(`it has started on ${dataDir}`);
    },
    (reason: Error) => reason,
  );
  expect(error).toBeInstanceOf(EmbeddedPostgresError);
  return { message: error.message, afterMs: performance.now() - begunAt };
}

test("a folder that cannot be made is refused within a second, wherever it would be", async ({
  newFolder,
  skip,
}) => {
  const file = join(newFolder, "file");
  const [dangling, loop] = [join(newFolder, "dangling"), join(newFolder, "loop")];
  await mkdir(newFolder);
  await writeFile(file, "");
  await symlink(join(newFolder, "nowhere"), dangling);
  await symlink(loop, loop);
  for (const path of [
    // Of these the kernel says that their parent is not there, although it is.
    "/proc/x",
    "/proc/x/y/z",
    `/proc/${process.pid}/x`,
    "/sys/x",
    "/dev/null",
    "/dev/null/x",
    file,
    join(file, "x"),
    dangling,
    loop,
    join(loop, "x"),
    join(newFolder, "n".repeat(256)),
    join(newFolder, ...Array(20).fill("n".repeat(255))),
  ]) {
    const { message, afterMs } = await refusalOf(path);
    expect(message, path).toMatch(
      /^the data folder .* cannot be created or used by this process, which runs as uid \d+ \((ENOENT|EACCES|EPERM|EEXIST|ENOTDIR|ELOOP|ENAMETOOLONG)\); run auth as the folder's owner, or set AUTH_DATA_DIR to another folder$/,
    );
    expect(afterMs, path).toBeLessThan(refusesWithinMs);
  }
  expect((await readdir(newFolder)).sort()).toEqual(["dangling", "file", "loop"]);
  skip(!isRoot, "needs root, to mount");
});

test.for([
  ["read-only", "ro", /cannot be created or used by this process, which runs as uid 0 \(EROFS\)/],
  [
    "too small",
    "size=2m,mode=755",
    /has \d+ MiB left on its disk, and a new database needs 100; free some space/,
  ],
  ["without a single file left", "nr_inodes=1,mode=755", /^cannot lock .*lock \(.*ENOSPC/],
] as const)(
  "a folder on a disk that is %s is refused",
  async ([, options, sentence], { newFolder, startOwner, skip }) => {
    skip(!isRoot, "needs root, to mount");
    await mkdir(newFolder);
    // In a mount namespace of its own, which goes with the process.
    const mount = `mount -t tmpfs -o ${options} tmpfs "${newFolder}" && exec "$@"`;
    const owner = startOwner(newFolder, { prefix: ["unshare", "--mount", "sh", "-c", mount, "sh"] });
    expect((await owner.said).message).toMatch(sentence);
  },
);

test("folders on the way are made, for nobody else to list", async ({ newFolder }) => {
  const dataDir = join(newFolder, "a/b/data");
  await (await startEmbeddedPostgres({ dataDir })).stop();
  for (const path of ["", "a", "a/b", "a/b/data"]) {
    expect((await stat(join(newFolder, path))).mode & 0o777, path).toBe(isRoot ? 0o711 : 0o700);
  }
});

test("another user cannot hold its lock, also where an earlier version left it open to all", async ({
  usedFolder: dataDir,
  skip,
}) => {
  const lock = join(dataDir, "lock");
  for (const mode of [0o600, 0o644, 0o666]) {
    await run("chmod", [mode.toString(8), lock]);
    const postgres = await startEmbeddedPostgres({ dataDir });
    expect((await stat(lock)).mode & 0o777).toBe(0o600);
    await postgres.stop();
  }
  await rm(lock);
  await symlink("/etc/passwd", lock);
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
    /^cannot lock .*lock \(.*not a regular file/,
  );
  await rm(lock);
  await (await startEmbeddedPostgres({ dataDir })).stop();

  skip(!isRoot, "needs root, to become another user");
  await run("chmod", ["755", dataDir]);
  const other = ["--reuid=1", "--regid=1", "--clear-groups"];
  const hold = `const { openSync } = require("fs"); openSync(${JSON.stringify(lock)}, "r")`;
  await expect(run("setpriv", [...other, process.execPath, "--eval", hold])).rejects.toThrow(/EACCES/);
});

test("without a setting, data are in ./data, or where PostgreSQL's user can get to them", async ({
  newFolder,
  skip,
}) => {
  await mkdir(newFolder, { mode: 0o755 });
  expect(defaultDataDir(newFolder)).toBe("./data");
  skip(!isRoot, "is about root");
  const closed = join(newFolder, "closed");
  await mkdir(closed, { mode: 0o700 });
  expect(defaultDataDir(closed)).toBe(`/var/lib/auth${closed}/data`);
  expect(accessiblePathFor("/root/x/data")).toBe("/var/lib/auth/root/x/data");
  // A start does not begin with an empty database where there is another.
  await mkdir(join(closed, "data/postgres"), { recursive: true });
  expect(defaultDataDir(closed)).toBe("./data");
});
