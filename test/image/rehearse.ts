/**
 * Runs what the image would run, without Docker: the entry point of the Dockerfile in a folder that was made as the Dockerfile makes
 * it, as a user without rights, on a root file system that cannot be written to where the kernel lets us have one.
 *
 * usage: rehearse.ts FOLDER COMMAND…, the command being what changes the user
 */
import { execFile, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { startEmbeddedPostgres } from "../../src/infrastructure/db/embedded-postgres.ts";
import { temporaryFolder } from "../support/service.ts";
import { WireProxy } from "../support/wire-proxy.ts";

const [folder = ".", changeUser = "env"] = process.argv.slice(2);

await using data = await temporaryFolder();
const postgres = await startEmbeddedPostgres({ dataDir: join(data.path, "data") });
// The image's user may not open PostgreSQL's socket: it comes over TCP, as it would from a container.
const proxy = await WireProxy.start(postgres.uri);

const readOnlyRoot = "mount --make-rprivate / && mount -o remount,bind,ro / && exec";
const canHaveOne = spawnSync("unshare", ["--mount", "sh", "-c", `${readOnlyRoot} true`]).status === 0;
const dockerfile = readFileSync(join(import.meta.dirname, "../../Dockerfile"), "utf8");
const [, ...entryPoint]: string[] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? "[]");
const command = `${changeUser} ${process.execPath} ${entryPoint.join(" ")}`;
const [program, args] = canHaveOne
  ? (["unshare", ["--mount", "sh", "-c", `${readOnlyRoot} ${command}`]] as const)
  : (["sh", ["-c", `exec ${command}`]] as const);

const env = {
  PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
  NODE_ENV: "production",
  DATABASE_URL: proxy.uri,
  AUTH_MIGRATE: "auto",
  AUTH_TLS: "mesh",
  AUTH_GRPC_ADDRESS: "127.0.0.1:0",
  AUTH_HTTP_ADDRESS: "127.0.0.1:0",
  AUTH_DRAIN_DELAY: "0ms",
  AUTH_ISSUER: "https://auth.test",
  AUTH_AUDIENCES: "development",
  AUTH_WRAPPING_KEY: randomBytes(32).toString("base64"),
};
const service = spawn(program, args, { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
const exited = once(service, "close");

/** What the image's own command line prints. Asynchronous, because the database's proxy is in this process. */
async function auth(words: string): Promise<string> {
  const { stdout } = await promisify(execFile)("sh", ["-c", `${changeUser} scripts/auth ${words}`], {
    cwd: folder,
    env,
  });
  return stdout.trim();
}

let answer: unknown;
for await (const line of createInterface(service.stdout)) {
  const { msg, httpAddress, readyAfterMs } = JSON.parse(line);
  if (msg !== "auth is serving") continue;
  // Nobody may call yet: the first admin is made on the command line.
  await auth("service-account create --name ops --role admin");
  const key = await auth("service-account key create ops");
  const response = await fetch(`http://${httpAddress}/auth.v1.UserService/CreateUser`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ user: { username: "image" }, password: "correct horse battery" }),
  });
  answer = await response.json();
  process.stdout.write(`from dist: ready after ${readyAfterMs} ms, root read-only: ${canHaveOne}\n`);
  service.kill("SIGTERM");
}
const [code] = await exited;
await proxy[Symbol.asyncDispose]();
await postgres.stop();

const created = (answer as { user?: { username?: string } } | undefined)?.user?.username;
if (created !== "image" || code !== 0) {
  process.stderr.write(`the image's service answered ${JSON.stringify(answer)} and ended with ${code}\n`);
  process.exitCode = 1;
}
