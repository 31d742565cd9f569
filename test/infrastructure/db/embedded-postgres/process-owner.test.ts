import { chmod, chown, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { expect } from "vitest";
import { startEmbeddedPostgres } from "../../../../src/infrastructure/db/embedded-postgres.ts";
import { closedCheckout } from "../../../support/closed-checkout.ts";
import { query, run, serverProcess, serverProcesses, test } from "../../../support/embedded-postgres.ts";

const isRoot = process.geteuid?.() === 0;
const nobody = 65534;
const as = (uid: number) => ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
const rootOnly = "needs root, to become other users";
const noCapability = "0000000000000000";

async function statusOf(pid: number): Promise<Record<string, string>> {
  const lines = (await readFile(`/proc/${pid}/status`, "utf8")).split("\n");
  return Object.fromEntries(lines.map((line) => line.split(":\t") as [string, string]));
}

/** What a statement ends with: an SQLSTATE, or a system error's code. */
async function failureOf(uri: string, statement: string): Promise<unknown> {
  return query(uri, statement).then(
    () => "done",
    (error: { code?: string }) => error.code,
  );
}

test("runs as ourselves unless we are root, and no process of it has a capability", async ({
  usedFolder: dataDir,
}) => {
  const postgres = await startEmbeddedPostgres({ dataDir });
  const all = await Promise.all((await serverProcesses(dataDir)).map(statusOf));
  await postgres.stop();

  expect(all.length).toBeGreaterThan(1);
  for (const { Uid, Gid, Groups, CapEff, CapPrm, CapAmb } of all) {
    const uid = Number(Uid!.split("\t")[0]);
    expect(Uid).toBe(Array(4).fill(uid).join("\t"));
    expect([CapEff, CapPrm, CapAmb]).toEqual(Array(3).fill(noCapability));
    if (!isRoot) expect(uid).toBe(process.geteuid?.());
    else {
      expect(Gid).toBe(Uid);
      expect(Groups?.trim()).toBe("");
    }
  }
});

test("runs as a user of its own if we are root: of no account, and no other process", async ({
  usedFolder: dataDir,
  newFolder,
  skip,
}) => {
  skip(!isRoot, rootOnly);
  const postgres = await startEmbeddedPostgres({ dataDir });
  const other = await startEmbeddedPostgres({ dataDir: `${newFolder}-of-another` });
  const uidsOf = async (folder: string) => {
    const all = await Promise.all((await serverProcesses(folder)).map(statusOf));
    return new Set(all.map(({ Uid }) => Number(Uid!.split("\t")[0])));
  };
  const [[uid, ...more], [otherUid]] = [[...(await uidsOf(dataDir))], [...(await uidsOf(other.dataDir))]];
  await other.stop();
  await postgres.stop();

  expect(more).toEqual([]);
  expect(uid).toBeGreaterThanOrEqual(60_578);
  expect(uid).toBeLessThanOrEqual(61_183);
  expect(otherUid).not.toBe(uid);
  await expect(run("getent", ["passwd", String(uid)])).rejects.toMatchObject({ code: 2 });
  expect((await stat(join(dataDir, "postgres"))).uid).toBe(uid);
});

test.for([nobody, 12_345])(
  "starts where we are not root: as uid %i",
  async (uid, { newFolder: dataDir, startOwner, skip }) => {
    skip(!isRoot, rootOnly);
    await mkdir(dataDir);
    await chown(dataDir, uid, uid);
    for (let start = 1; start <= 2; start++) {
      const child = startOwner(dataDir, { prefix: as(uid) });
      expect(await child.said).toHaveProperty("uri");
      expect(await statusOf(await serverProcess(dataDir))).toMatchObject({
        Uid: Array(4).fill(uid).join("\t"),
      });
      await child.kill();
    }
    // In a folder of another user, root would follow the links which that user puts there.
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
      `belongs to uid ${uid}, but this process runs as uid 0; run auth as uid ${uid}, or set AUTH_DATA_DIR`,
    );
  },
);

test("keeps other users of the machine out", async ({ usedFolder, skip }) => {
  skip(!isRoot, rootOnly);
  const postgres = await startEmbeddedPostgres({ dataDir: usedFolder });
  const socket = join(new URL(postgres.uri).searchParams.get("host")!, ".s.PGSQL.5432");
  const connect = `require("net").connect(${JSON.stringify(socket)})
    .on("connect", () => process.exit()).on("error", (error) => { console.log(error.code); })`;
  const [daemon = "", ...args] = as(1);
  const { stdout } = await run(daemon, [...args, process.execPath, "--eval", connect]);
  await postgres.stop();

  expect(stdout).toBe("EACCES\n");
});

test("lets in the service's role only, by its password, and that role is not a superuser", async ({
  // At the first start the superuser is let in for a moment, to create the role.
  newFolder: dataDir,
}) => {
  const postgres = await startEmbeddedPostgres({ dataDir });
  const { uri } = postgres;
  const changed = (change: (url: URL) => void) => {
    const url = new URL(uri);
    change(url);
    return url.href;
  };
  try {
    for (const database of ["/auth", "/template1"]) {
      const superuser = changed((url) => {
        [url.username, url.password, url.pathname] = ["auth", "", database];
      });
      expect(await failureOf(superuser, "select 1")).toBe("28000");
    }
    const guessed = changed((url) => {
      url.password = "0".repeat(64);
    });
    expect(await failureOf(guessed, "select 1")).toBe("28P01");
    expect(
      await query(
        uri,
        "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls from pg_roles where rolname = current_user",
      ),
    ).toEqual([
      {
        rolsuper: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        rolbypassrls: false,
      },
    ]);
    await query(uri, "create table lines (line text)");
    for (const statement of [
      "select pg_read_file('/etc/passwd')",
      "select pg_read_binary_file('/etc/passwd')",
      "select pg_ls_dir('/')",
      "select pg_stat_file('/etc/passwd')",
      "select lo_import('/etc/passwd')",
      "copy lines from '/etc/passwd'",
      "copy lines to '/tmp/lines'",
      "copy lines from program 'id'",
      "create function f(text) returns text as '/lib/x', 'f' language c",
      "alter system set work_mem = '1GB'",
      "set session authorization auth",
      "set role auth",
      "alter role auth_service superuser",
      "create role more",
      "create database more",
    ]) {
      expect(await failureOf(uri, statement), statement).toBe("42501");
    }
    // What the service does need.
    await query(uri, "create index lines_by_line on lines (line); drop table lines");
  } finally {
    await postgres.stop();
  }
});

test("has its password in a file that only we can read, and makes another if it is lost", async ({
  usedFolder: dataDir,
  skip,
}) => {
  const file = join(dataDir, "database-password");
  const first = await startEmbeddedPostgres({ dataDir });
  const { uid } = await stat(join(dataDir, "postgres"));
  const { mode, uid: owner } = await stat(file);
  await first.stop();
  expect([mode & 0o777, owner]).toEqual([0o600, process.geteuid?.()]);
  expect(new URL(first.uri).password).toBe((await readFile(file, "utf8")).trim());
  expect(await readFile(join(dataDir, "pg_hba.conf"), "utf8")).toBe("local all auth_service scram-sha-256\n");

  await writeFile(file, `${"0".repeat(64)}\n`);
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
    /rejects the password in .*database-password; restore the file that belongs to the data, or remove it/,
  );
  await rm(file);
  const second = await startEmbeddedPostgres({ dataDir });
  expect(new URL(second.uri).password).not.toBe(new URL(first.uri).password);
  await query(second.uri, "insert into kept values (1)");
  const superuser = new URL(second.uri);
  [superuser.username, superuser.password] = ["auth", ""];
  expect(await failureOf(superuser.href, "select 1")).toBe("28000");
  await second.stop();

  skip(!isRoot, rootOnly);
  const [asServer = "", ...args] = as(uid);
  await expect(run(asServer, [...args, "cat", file])).rejects.toThrow(/Permission denied/);
});

test("says whose the folder is when it is not ours, or when everybody may write there", async ({
  usedFolder: dataDir,
  startOwner,
  skip,
}) => {
  await chmod(dataDir, 0o1777);
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
    /is writable by every user \(mode 1777\); set AUTH_DATA_DIR to a folder of its own, such as .*auth-data$/,
  );
  await chmod(dataDir, 0o711);
  skip(!isRoot, rootOnly);
  const complaint = async () => (await startOwner(dataDir, { prefix: as(nobody) }).said).message;
  expect(await complaint()).toMatch(
    /^the data folder .* cannot be created or used by this process, which runs as uid 65534 \(EACCES\)/,
  );
  await chown(dataDir, nobody, nobody);
  expect(await complaint()).toMatch(/^cannot lock .*lock .*; run auth as the owner of its files/);
  await chown(join(dataDir, "lock"), nobody, nobody);
  expect(await complaint()).toMatch(
    /cannot use .* \(Error: EACCES: permission denied, open '.*postgres\.log'\)/,
  );
  await chown(join(dataDir, "postgres.log"), nobody, nobody);
  const { uid } = await stat(join(dataDir, "postgres"));
  expect(await complaint()).toContain(
    `postgres belongs to uid ${uid}, but this process runs as uid ${nobody}`,
  );
});

test.for(["nobody", "root"])(
  "data that belong to %s are served once they are handed over",
  async (name, { newFolder: dataDir, skip }) => {
    skip(!isRoot, rootOnly);
    await earlierVersion(dataDir);
    const pgdata = join(dataDir, "postgres");
    await run("chown", ["-R", `${name}:`, pgdata]);
    const refusal = await startEmbeddedPostgres({ dataDir }).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(refusal).toMatch(
      new RegExp(
        `belongs to ${name} \\(uid \\d+\\), an account that other programs may use, .* then run: chown -R `,
      ),
    );
    await run("sh", ["-c", /chown -R .*$/.exec(refusal)![0]]);

    for (let start = 1; start <= 2; start++) {
      const postgres = await startEmbeddedPostgres({ dataDir });
      expect(await query(postgres.uri, "select row from kept")).toEqual([{ row: 42 }]);
      await query(postgres.uri, "alter table kept add column if not exists more text");
      expect(await failureOf(postgres.uri, "select pg_read_file('/etc/passwd')")).toBe("42501");
      await postgres.stop();
    }
  },
);

/** Data as an earlier version made them: of `nobody`, who trusts everybody, and works as the superuser. */
async function earlierVersion(dataDir: string): Promise<void> {
  const { findBinaries } = await import("../../../../src/infrastructure/db/embedded-postgres/binaries.ts");
  const { initdb, postgres } = await findBinaries();
  const pgdata = join(dataDir, "postgres");
  await mkdir(pgdata, { recursive: true, mode: 0o755 });
  await chown(pgdata, nobody, nobody);
  await chmod(pgdata, 0o700);
  const [asNobody = "", ...args] = as(nobody);
  const options = ["--encoding=UTF8", "--locale=C", "--auth=trust", "--username=auth"];
  await run(asNobody, [...args, initdb, "-D", pgdata, ...options], { cwd: "/" });
  const single = `alter database postgres rename to auth`;
  const table = `create table kept (row int primary key); insert into kept values (42)`;
  for (const [database, sql] of [
    ["template1", single],
    ["auth", table],
  ] as const) {
    const command = `echo "${sql}" | "${postgres}" --single -D "${pgdata}" ${database}`;
    await run(asNobody, [...args, "sh", "-c", command], { cwd: "/" });
  }
}

test("starts from programs in a folder that only root can enter: by a copy, and without any capability", async ({
  startOwner,
  newFolder: dataDir,
  skip,
}) => {
  skip(!isRoot, rootOnly);
  const { module } = await closedCheckout();
  for (let start = 1; start <= 2; start++) {
    const child = startOwner(dataDir, { module });
    const { uri, message } = await child.said;
    expect(message).toBeUndefined();
    expect(await query(uri!, "select 1 as one")).toEqual([{ one: 1 }]);
    for (const pid of await serverProcesses(dataDir)) {
      expect(await statusOf(pid)).toMatchObject({ CapEff: noCapability });
    }
    await child.kill();
  }
  const [programs = "", ...more] = (await readdir(dataDir)).filter((name) => name.startsWith("programs-"));
  expect(more).toEqual([]);
  for (const path of ["", "bin", "bin/postgres", "lib"]) {
    const { uid, mode } = await stat(join(dataDir, programs, path));
    expect([uid, mode & 0o777], path).toEqual([0, 0o755]);
  }

  // Those of another version go, and a copy that was cut off is not taken for one.
  const old = join(dataDir, "programs-17.0.0");
  await mkdir(old);
  await writeFile(join(old, "x"), "");
  await rm(join(dataDir, programs), { recursive: true });
  // As in most containers: root, without the capabilities that they take away.
  const container = ["setpriv", "--bounding-set=-dac_read_search", "--inh-caps=-dac_read_search"];
  const child = startOwner(dataDir, { module, prefix: container });
  expect(await child.said).toHaveProperty("uri");
  await child.kill();
  expect((await readdir(dataDir)).filter((name) => name.startsWith("programs-"))).toEqual([programs]);
});

test("says what to do about data in a folder that only root can enter", async ({ startOwner, skip }) => {
  skip(!isRoot, rootOnly);
  const { module, parent } = await closedCheckout();
  const closed = join(parent, "data");
  const { name, message } = await startOwner(closed, { module }).said;
  expect(name).toBe("EmbeddedPostgresError");
  expect(message).toMatch(
    new RegExp(
      `^the embedded PostgreSQL runs as uid \\d+, because it refuses to run as root, and that user cannot enter /root(/[\\w-]+)?; move the data to a folder that others may enter, such as /var/lib/auth${closed}, and set AUTH_DATA_DIR to it, run auth as a user other than root, or set DATABASE_URL$`,
    ),
  );
  await expect(stat(join(closed, "postgres"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("says what to do about a data folder of root that is closed itself", async ({
  newFolder: dataDir,
  skip,
}) => {
  skip(!isRoot, rootOnly);
  await mkdir(dataDir, { mode: 0o700 });
  const refusal = startEmbeddedPostgres({ dataDir });
  await expect(refusal).rejects.toThrow(`cannot enter ${dataDir}; run chmod o+x ${dataDir}, run auth as`);
  await chmod(dataDir, 0o701);
  await (await startEmbeddedPostgres({ dataDir })).stop();
});

test("does not depend on the umask", async ({ newFolder: dataDir, startOwner }) => {
  const child = startOwner(dataDir, { prefix: ["sh", "-c", 'umask 077; exec "$@"', "sh"] });
  expect(await child.said).toHaveProperty("uri");
  await child.kill();
  await (await startEmbeddedPostgres({ dataDir })).stop();
});

test("refuses in a user namespace that has no uid for it", async ({
  newFolder: dataDir,
  startOwner,
  skip,
}) => {
  const alone = ["unshare", "--user", "--map-root-user"];
  const hasNamespaces = await run(alone[0]!, [...alone.slice(1), "true"]).then(
    () => true,
    () => false,
  );
  skip(!hasNamespaces, "needs user namespaces");
  await mkdir(dataDir, { mode: 0o755 });
  const { message } = await startOwner(dataDir, { prefix: alone }).said;
  expect(message).toBe(
    "the embedded PostgreSQL refuses to run as root, and no uid from 60578 to 61183 is free for it in this user namespace; run auth as a user other than root, or set DATABASE_URL",
  );
});

test("a client that has no password is told so by PostgreSQL", async ({ usedFolder: dataDir }) => {
  const postgres = await startEmbeddedPostgres({ dataDir });
  const uri = new URL(postgres.uri);
  uri.password = "";
  const client = new Client({ connectionString: uri.href });
  await expect(client.connect()).rejects.toThrow(/password/);
  await postgres.stop();
});
