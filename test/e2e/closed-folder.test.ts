import { existsSync } from "node:fs";
import { readFile, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { closedCheckout } from "../support/closed-checkout.ts";
import { run, serverProcesses } from "../support/embedded-postgres.ts";
import { environmentOf, startServiceIn } from "../support/service.ts";

const isRoot = process.geteuid?.() === 0;

/** What `npm start` does for root, in a checkout in /root that nobody else can enter, where nothing is configured. */
describe.skipIf(!isRoot)("started by root in a closed folder", { timeout: 120_000 }, () => {
  test("serves, keeps its data, and gives nothing of root's away to the user that PostgreSQL runs as", async () => {
    const { parent } = await closedCheckout();
    const dataDir = `/var/lib/auth${parent}/data`;
    onTestFinished(() => removeWithEmptyParents(dirname(dataDir)));
    let id: string;
    {
      await using service = await startServiceIn(parent);
      expect(service.process.stderr).toContain(dataDir);
      const { user } = await grpcClients(service).users.createUser({ user: { username: "ada" } });
      id = user?.id ?? "";

      const pids = await serverProcesses(dataDir);
      const { uid } = await stat(join(dataDir, "postgres"));
      expect(pids.length).toBeGreaterThan(1);
      for (const pid of pids) {
        const status = await readFile(`/proc/${pid}/status`, "utf8");
        expect(status).toMatch(/^CapEff:\t0000000000000000$/m);
        expect(status).toMatch(new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, "m"));
      }

      const asServer = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups"];
      const fails = (command: string) =>
        run("setpriv", [...asServer, "sh", "-c", command]).then(
          ({ stdout }) => `it said: ${stdout}`,
          ({ stderr }: { stderr: string }) => stderr.trim(),
        );
      expect(await fails("cat /etc/shadow")).toMatch(/Permission denied/);
      expect(await fails(`cat ${dataDir}/database-password`)).toMatch(/Permission denied/);
      expect(await fails(`cat ${dataDir}/wrapping-key`)).toMatch(/Permission denied/);
      expect(await fails(`ls ${parent}`)).toMatch(/Permission denied/);
      // It owns the socket, and the server lets it in as nobody.
      const [socketFolder = ""] = (await readFile(join(dataDir, "temporary-folders"), "utf8")).split("\n");
      const connect = (user: string) => `
        const { Client } = require(${JSON.stringify(join(import.meta.dirname, "../../node_modules/pg"))});
        const client = new Client({ host: "${socketFolder}", user: "${user}", database: "auth", password: "guess" });
        client.connect().then(() => client.query("select pg_read_file('/etc/shadow')"))
          .then(({ rows }) => console.log(rows), (error) => { console.error(error.code); process.exit(1); });`;
      const connects = (user: string) =>
        fails(`cd / && ${process.execPath} --eval '${connect(user).replaceAll("'", "'\\''")}'`);
      expect(await connects("auth")).toBe("28000");
      expect(await connects("postgres")).toBe("28000");
      expect(await connects("auth_service")).toBe("28P01");

      // Root has the password, and still cannot read files through the server.
      const password = (await readFile(join(dataDir, "database-password"), "utf8")).trim();
      const client = new Client({ host: socketFolder, user: "auth_service", database: "auth", password });
      await client.connect();
      await expect(client.query("select pg_read_file('/etc/shadow')")).rejects.toMatchObject({
        code: "42501",
      });
      await client.end();

      // The command line finds the same data, beside the service.
      expect(await command(parent, ["user", "get", "ada"])).toContain(id);
    }
    expect(await command(parent, ["user", "get", "ada"])).toContain(id);
    expect(await serverProcesses(dataDir)).toEqual([]);
    expect(existsSync(join(parent, "data"))).toBe(false);
  });
});

async function command(cwd: string, args: readonly string[]): Promise<string> {
  const program = [join(cwd, "src/cli.ts"), ...args];
  return (await run(process.execPath, program, { cwd, env: environmentOf({}) })).stdout;
}

async function removeWithEmptyParents(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  for (let parent = dirname(folder); parent.startsWith("/var/lib/auth"); parent = dirname(parent)) {
    try {
      await rmdir(parent);
    } catch {
      // Somebody else's data are there.
      return;
    }
  }
}
