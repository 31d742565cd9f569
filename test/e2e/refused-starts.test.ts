import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describeSettings } from "../../src/config/settings.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { type Environment, ServiceProcess, startService, temporaryFolder } from "../support/service.ts";

/** Starts the service where it cannot start. Answers what it says. */
async function refused(
  environment: Environment,
  args: string[] = [],
): Promise<{ code: unknown; says: string[] }> {
  const service = new ServiceProcess(environment, args);
  const code = await service.exited();
  return { code, says: service.stderr.trim().split("\n") };
}

describe("a start that cannot be", () => {
  test("says all faults of a configuration at once, and no secret of it", async () => {
    const { code, says } = await refused({
      DATABASE_URL: "mysql://root:hunter2@db/auth",
      AUTH_CALLERS: undefined,
      AUTH_GRPC_ADDRESS: "0.0.0.0:50051",
      AUTH_ARGON2_ITERATIONS: "1",
      AUTH_HASH_QUEUE: "many",
      AUTH_GPRC_ADDRESS: "127.0.0.1:1",
    });
    expect(code).toBe(1);
    expect(says[0]).toBe("invalid configuration:");
    expect(says.slice(1, -1).map((line) => /AUTH_[A-Z0-9_]+|DATABASE_URL/.exec(line)?.[0])).toEqual([
      "AUTH_GPRC_ADDRESS",
      "DATABASE_URL",
      "AUTH_HASH_QUEUE",
      "AUTH_GRPC_ADDRESS",
      "AUTH_ARGON2_MEMORY",
    ]);
    expect(says.join()).not.toContain("hunter2");
  });

  test("on a port in use says which", async () => {
    const occupied = createServer().listen(0, "127.0.0.1");
    await once(occupied, "listening");
    const { port } = occupied.address() as { port: number };
    await using database = await disposableDatabase();
    for (const name of ["AUTH_GRPC_ADDRESS", "AUTH_HTTP_ADDRESS"]) {
      const { code, says } = await refused({
        DATABASE_URL: database.uri,
        AUTH_MIGRATE: "auto",
        [name]: `127.0.0.1:${port}`,
      });
      expect(code).toBe(1);
      expect(says).toEqual([`cannot listen on 127.0.0.1:${port}: address already in use`]);
    }
    occupied.close();
  });

  test("without its database waits for it, and then says which and why", async () => {
    const service = new ServiceProcess({
      DATABASE_URL: "postgresql://auth:hunter2@127.0.0.1:1/auth",
      AUTH_DATABASE_WAIT: "1s",
    });
    expect(await service.exited()).toBe(1);
    expect(service.output).toMatch(/waiting for the database at 127\.0\.0\.1:1\/auth/);
    expect(service.stderr).toMatch(
      /^cannot connect to the database at 127\.0\.0\.1:1\/auth: .*ECONNREFUSED.*[^.]\n$/,
    );
    expect(service.output).not.toContain("hunter2");
  });

  test("on a server that has no such database says so at once", async () => {
    await using database = await disposableDatabase();
    const uri = new URL(database.uri);
    uri.pathname = "nowhere";
    const { code, says } = await refused({ DATABASE_URL: uri.href });
    expect(code).toBe(1);
    expect(says).toHaveLength(1);
    expect(says[0]).toMatch(/database "nowhere" does not exist/);
  });

  test("on a database that lacks migrations says how many, and what to do", async () => {
    await using database = await disposableDatabase();
    const { code, says } = await refused({ DATABASE_URL: database.uri });
    expect(code).toBe(1);
    expect(says).toHaveLength(1);
    expect(says[0]).toMatch(/lacks \d+ migrations, the first being 0001-users\/table.*AUTH_MIGRATE=auto/);
  });

  test("with TLS files that are not there says which", async () => {
    await using database = await disposableDatabase();
    const { code, says } = await refused({
      DATABASE_URL: database.uri,
      AUTH_MIGRATE: "auto",
      AUTH_TLS: "on",
      AUTH_TLS_CERT_FILE: "/nowhere/tls.crt",
      AUTH_TLS_KEY_FILE: "/nowhere/tls.key",
    });
    expect(code).toBe(1);
    expect(says).toHaveLength(1);
    expect(says[0]).toContain("/nowhere/tls.crt");
  });

  test("with a file of breached passwords that is not there or not sorted says so", async () => {
    await using database = await disposableDatabase();
    await using folder = await temporaryFolder();
    const unsorted = join(folder.path, "unsorted.txt");
    await writeFile(unsorted, ["B", "A"].map((digit) => `${digit.repeat(40)}:1\n`).join(""));
    const files: [string, string][] = [
      ["/nowhere/breaches.txt", "no such file"],
      [unsorted, "the file is not sorted by digest"],
    ];
    for (const [file, sentence] of files) {
      const { code, says } = await refused({
        DATABASE_URL: database.uri,
        AUTH_MIGRATE: "auto",
        AUTH_BREACH_CHECK_FILE: file,
      });
      expect(code).toBe(1);
      expect(says).toEqual([`cannot use ${file} (AUTH_BREACH_CHECK_FILE): ${sentence}`]);
    }
  });

  test("with a wrapping key that is none or weak says so, and not the key", async () => {
    await using database = await disposableDatabase();
    const [good, weak] = [randomBytes(32), Buffer.alloc(32, "hunter2")].map((key) => key.toString("base64"));
    const keys: [string, RegExp][] = [
      [weak ?? "", /^AUTH_WRAPPING_KEY: wrapping key 1 is not random; make one with: openssl/],
      [`${good},hunter2!`, /^AUTH_WRAPPING_KEY: wrapping key 2 is not valid base64$/],
      [`${good},${good}`, /wrapping keys 1 and 2 are the same$/],
      ["aHVudGVyMg==", /wrapping key 1 has 7 bytes; expected 32$/],
      [",", /no wrapping key; make one with: openssl rand -base64 32$/],
    ];
    for (const [key, sentence] of keys) {
      const { code, says } = await refused({
        DATABASE_URL: database.uri,
        AUTH_MIGRATE: "auto",
        AUTH_WRAPPING_KEY: key,
      });
      expect(code).toBe(1);
      expect(says).toHaveLength(1);
      expect(says[0]).toMatch(sentence);
      for (const secret of [good, weak, "hunter2", "aHVudGVyMg"]) expect(says[0]).not.toContain(secret);
    }
  });

  test("with a file of wrapping keys that cannot be used says which, and not what is in it", async () => {
    await using database = await disposableDatabase();
    await using folder = await temporaryFolder();
    const writable = join(folder.path, "writable");
    const broken = join(folder.path, "broken");
    await writeFile(writable, randomBytes(32).toString("base64"));
    await chmod(writable, 0o666);
    await writeFile(broken, "hunter2!", { mode: 0o600 });
    const files: [string, string][] = [
      ["/nowhere/key", "cannot read /nowhere/key: no such file"],
      [folder.path, `cannot read ${folder.path}: it is a folder, not a file`],
      [
        writable,
        `cannot trust ${writable}: ${writable} is writable by every user; run: chmod o-w ${writable}`,
      ],
      [broken, `${broken}: wrapping key 1 is not valid base64`],
    ];
    for (const [file, sentence] of files) {
      const { code, says } = await refused({
        DATABASE_URL: database.uri,
        AUTH_MIGRATE: "auto",
        AUTH_WRAPPING_KEY_FILE: file,
      });
      expect(code).toBe(1);
      expect(says).toEqual([sentence]);
    }
  });

  test("with another wrapping key than the database's says so, and one that has it among its keys starts", async () => {
    await using database = await disposableDatabase();
    const [first, second] = [randomBytes(32), randomBytes(32)].map((key) => key.toString("base64"));
    const on = (key: string | undefined) => ({
      DATABASE_URL: database.uri,
      AUTH_MIGRATE: "auto",
      AUTH_WRAPPING_KEY: key,
    });
    const start = async (key: string) => {
      await using _ = await startService(on(key));
    };
    const wrong =
      /^cannot decrypt the secrets in the database: encrypted with key [0-9a-f]{16}, which is not one of/;
    await start(first ?? "");
    const { code, says } = await refused(on(second));
    expect(code).toBe(1);
    expect(says).toHaveLength(1);
    expect(says[0]).toMatch(wrong);
    for (const key of [first, second]) expect(says[0]).not.toContain(key);
    // The new key first, the old one after it: all that is wrapped is wrapped anew, and the old key is needed no longer.
    await start(`${second},${first}`);
    await start(second ?? "");
    expect((await refused(on(first))).says[0]).toMatch(wrong);
  });

  test("without whose tokens it makes, and for whom, says so", async () => {
    const { code, says } = await refused({
      DATABASE_URL: "postgresql://auth:hunter2@db/auth?sslmode=verify-full",
      AUTH_ISSUER: "",
      AUTH_AUDIENCES: undefined,
      AUTH_WRAPPING_KEY: undefined,
    });
    expect(code).toBe(1);
    expect(new Set(says.slice(1, -1).map((line) => line.trim().split(" ")[0]))).toEqual(
      new Set(["AUTH_ISSUER", "AUTH_AUDIENCES", "AUTH_WRAPPING_KEY_FILE"]),
    );
    expect(says.join()).not.toContain("hunter2");
    for (const name of ["AUTH_ISSUER", "AUTH_AUDIENCES"]) {
      expect((await refused({ [name]: "" })).says[1]).toBe(
        `  ${name} is empty: set a value or unset the variable`,
      );
    }
  });

  // Node's own recursive mkdir tried again for ever there, and let no signal through.
  test("in a data folder that cannot be made says which, and ends by SIGTERM meanwhile", async () => {
    for (const folder of ["/proc/x", "/dev/null/x"]) {
      const { code, says } = await refused({ AUTH_DATA_DIR: folder });
      expect(code).toBe(1);
      expect(says).toHaveLength(1);
      expect(says[0]).toMatch(
        new RegExp(`^the data folder ${folder} cannot be created or used by this process`),
      );
    }
    const service = new ServiceProcess({ AUTH_DATA_DIR: "/proc/x" });
    service.kill("SIGTERM");
    expect(["SIGTERM", 0, 1]).toContain(await service.exited());
  });

  test("with an argument that it does not know says so", async () => {
    expect((await refused({}, ["--port=1"])).code).toBe(2);
  });
});

test("--help prints the table of settings", async () => {
  const service = new ServiceProcess({}, ["--help"]);
  expect(await service.exited()).toBe(0);
  expect(service.lines.join("\n")).toContain(describeSettings());
});

async function disposableDatabase() {
  const database = await createTestDatabase();
  return { uri: database.uri, [Symbol.asyncDispose]: () => database.drop() };
}
