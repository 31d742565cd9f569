import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { startEmbeddedPostgres } from "../../../../src/infrastructure/db/embedded-postgres.ts";
import { query, run, serverProcess, test } from "../../../support/embedded-postgres.ts";

const isRoot = process.geteuid?.() === 0;
const nobody = 65534;
const asNobody = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
const rootOnly = "needs root, to become other users";

async function statusOf(pid: number): Promise<Record<string, string>> {
  const lines = (await readFile(`/proc/${pid}/status`, "utf8")).split("\n");
  return Object.fromEntries(lines.map((line) => line.split(":\t") as [string, string]));
}

test("runs as ourselves unless we are root, and without any privilege", async ({ usedFolder: dataDir }) => {
  const postgres = await startEmbeddedPostgres({ dataDir });
  const { Uid, CapEff } = await statusOf(await serverProcess(dataDir));
  await postgres.stop();

  const uid = Number(Uid!.split("\t")[0]);
  if (isRoot) expect(uid).not.toBe(0);
  else expect(uid).toBe(process.geteuid?.());
  expect(CapEff).toBe("0000000000000000");
});

test("starts where we are not root", async ({ newFolder: dataDir, startOwner, skip }) => {
  skip(!isRoot, rootOnly);
  await mkdir(dataDir);
  await chown(dataDir, nobody, nobody);
  for (let start = 1; start <= 2; start++) {
    const child = startOwner(dataDir, { prefix: asNobody });
    expect(await child.said).toHaveProperty("uri");
    expect(await statusOf(await serverProcess(dataDir))).toMatchObject({
      Uid: Array(4).fill(nobody).join("\t"),
    });
    await child.kill();
  }
  // Root serves another user's data as that user, who can go on with them afterwards.
  const postgres = await startEmbeddedPostgres({ dataDir });
  expect((await stat(join(dataDir, "postgres", "postmaster.pid"))).uid).toBe(nobody);
  await postgres.stop();
});

test("keeps other users of the machine out", async ({ usedFolder, skip }) => {
  skip(!isRoot, rootOnly);
  const postgres = await startEmbeddedPostgres({ dataDir: usedFolder });
  const socket = join(new URL(postgres.uri).searchParams.get("host")!, ".s.PGSQL.5432");
  const connect = `require("net").connect(${JSON.stringify(socket)})
    .on("connect", () => process.exit()).on("error", (error) => { console.log(error.code); })`;
  const daemon = ["--reuid=1", "--regid=1", "--clear-groups"];
  const { stdout } = await run("setpriv", [...daemon, process.execPath, "--eval", connect]);
  await postgres.stop();

  expect(stdout).toBe("EACCES\n");
});

test("says whose the folder is when it is not ours", async ({ usedFolder: dataDir, startOwner, skip }) => {
  skip(!isRoot, rootOnly);
  const complaint = async () => (await startOwner(dataDir, { prefix: asNobody }).said).message;
  expect(await complaint()).toMatch(
    /^The data folder .* cannot be used by this process, which runs as uid 65534 \(EACCES\)/,
  );
  await chown(dataDir, nobody, nobody);
  expect(await complaint()).toMatch(/lock cannot be locked .*: run auth as the owner of its files/);
  await chown(join(dataDir, "lock"), nobody, nobody);
  expect(await complaint()).toMatch(
    /cannot use .* \(Error: EACCES: permission denied, open '.*postgres\.log'\)/,
  );
  await chown(join(dataDir, "postgres.log"), nobody, nobody);
  const { uid } = await stat(join(dataDir, "postgres"));
  expect(await complaint()).toContain(
    `postgres belongs to uid ${uid}, but this process runs as nobody (uid ${nobody})`,
  );

  await chown(join(dataDir, "postgres"), 0, 0);
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
    /belongs to root, as whom PostgreSQL refuses to run/,
  );
});

/** A checkout in a folder that only root can enter: the module, its dependencies, and the programs for real. */
async function closedCheckout(): Promise<{ parent: string; module: string; dataDir: string }> {
  const parent = await mkdtemp("/root/auth-test-");
  onTestFinished(() => rm(parent, { recursive: true, maxRetries: 10 }));
  await chmod(parent, 0o700);
  const source = fileURLToPath(new URL("../../../../", import.meta.url));
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const entry = createRequire(import.meta.url).resolve(platform);
  const infrastructure = "src/infrastructure";
  await cp(join(source, infrastructure), join(parent, infrastructure), { recursive: true });
  await cp(join(source, "package.json"), join(parent, "package.json"));
  await cp(dirname(dirname(entry)), join(parent, "node_modules", platform), {
    recursive: true,
    verbatimSymlinks: true,
  });
  await symlink(join(source, "node_modules", "pg"), join(parent, "node_modules", "pg"));
  return {
    parent,
    module: join(parent, infrastructure, "db/embedded-postgres.ts"),
    dataDir: join(parent, "data"),
  };
}

test("starts below a folder that only root can enter, with the one capability this takes", async ({
  startOwner,
  skip,
}) => {
  skip(!isRoot, rootOnly);
  const { module, dataDir } = await closedCheckout();
  for (let start = 1; start <= 2; start++) {
    const child = startOwner(dataDir, { module });
    const { uri, message } = await child.said;
    expect(message).toBeUndefined();
    expect(await query(uri!, "select 1 as one")).toEqual([{ one: 1 }]);
    // CAP_DAC_READ_SEARCH is number 2.
    expect(await statusOf(await serverProcess(dataDir))).toMatchObject({ CapEff: "0000000000000004" });
    await child.kill();
  }

  // As in most containers: root, but without that capability.
  const container = ["setpriv", "--bounding-set=-dac_read_search", "--inh-caps=-dac_read_search"];
  const child = startOwner(dataDir, { module, prefix: container });
  expect((await child.said).message).toBeUndefined();
  // CAP_DAC_OVERRIDE is number 1.
  expect(await statusOf(await serverProcess(dataDir))).toMatchObject({ CapEff: "0000000000000002" });
  await child.kill();
});

test("names the folder that is in the way when nothing helps", async ({ startOwner, skip }) => {
  skip(!isRoot, rootOnly);
  const { module, dataDir, parent } = await closedCheckout();
  // No setpriv on the path.
  const { name, message } = await startOwner(dataDir, { module, env: { PATH: parent } }).said;

  expect(name).toBe("EmbeddedPostgresError");
  expect(message).toMatch(
    /^The embedded PostgreSQL runs as user \w+, as it refuses to run as root, and this user/,
  );
  expect(message).toMatch(
    /cannot enter \/root(\/auth-test-\w+)?\. Move auth and its data out of that folder, .* or set DATABASE_URL\.$/,
  );
});
