import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { spaceFinding } from "../../src/cli/doctor/files-checks.ts";
import { runCheck } from "../../src/cli/doctor/finding.ts";
import { keysFinding } from "../../src/cli/doctor/secrets-checks.ts";
import type { SigningKeyStatus } from "../../src/domain/signing-key/signing-key.ts";
import { Authority, type Pair } from "../support/authority.ts";
import { auth, inTurns } from "../support/cli.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { PairFolder } from "../support/self-signed.ts";
import { type Environment, startService, temporaryFolder } from "../support/service.ts";
import { WireProxy } from "../support/wire-proxy.ts";

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { check: string; outcome: string; says: string }[];
}

/** What doctor says, in JSON; the exit code must be as it says. */
async function doctor(environment: Environment): Promise<Report> {
  const { code, stdout, stderr } = await auth(["doctor", "--json"], environment);
  expect(stderr).toBe("");
  const report: Report = JSON.parse(stdout);
  expect(code).toBe(report.ok ? 0 : 1);
  expect(report.ok).toBe(report.checks.every(({ outcome }) => outcome !== "failed"));
  return report;
}

/** What it says of one thing. */
async function about(check: string, environment: Environment) {
  const { checks } = await doctor(environment);
  return checks.filter((each) => each.check === check).map(({ outcome, says }) => `${outcome}: ${says}`);
}

const newKey = () => randomBytes(32).toString("base64");

describe("doctor on a server", () => {
  let database: TestDatabase;
  let environment: Environment;
  const file = { wrappingKey: newKey() };

  beforeAll(async () => {
    database = await createTestDatabase();
    // Few connections: other tests hold some of the same server.
    environment = {
      DATABASE_URL: database.uri,
      AUTH_WRAPPING_KEY: file.wrappingKey,
      AUTH_DATABASE_POOL_SIZE: "3",
    };
    expect((await auth(["migrate"], environment)).code).toBe(0);
    expect((await auth(["keys", "rotate"], environment)).code).toBe(0);
  });
  afterAll(() => database.drop());

  test("finds nothing where all is well, in both forms, and changes nothing", async () => {
    const report = await doctor(environment);
    expect(report.checks.filter(({ outcome }) => outcome !== "ok")).toEqual([]);
    expect(report.checks.map(({ check }) => check)).toEqual([
      "configuration",
      "wrapping key",
      "TLS",
      "gRPC address",
      "HTTP address",
      "database",
      "writes",
      "migrations",
      "rights",
      "migration rights",
      "connections",
      "round trip",
      "clock",
      "collation",
      "secrets",
      "signing keys",
      "callers",
    ]);
    const { code, stdout, stderr } = await auth(["doctor"], environment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^ok +configuration +All settings are valid\.\n/);
    expect(stdout).toMatch(/\n\nNo problems found\.\n$/);
    // Not for a terminal.
    expect(stdout).not.toContain("\u001b");
    expect((await auth(["doctor"], { ...environment, FORCE_COLOR: "1" })).stdout).not.toContain("\u001b");
  });

  test("names every fault of the configuration, and no secret of it", async () => {
    const faulty = { ...environment, AUTH_TLS: "on", AUTH_HASH_QUEUE: "many", AUTH_ISSUER: "" };
    const { ok, checks } = await doctor({ ...faulty, DATABASE_URL: "mysql://root:hunter2@db/auth" });
    expect(ok).toBe(false);
    expect(checks.map(({ check, says }) => [check, says.split(/[ =]/)[0]])).toEqual([
      ["configuration", "AUTH_ISSUER"],
      ["configuration", "DATABASE_URL"],
      ["configuration", "AUTH_HASH_QUEUE"],
      ["configuration", "AUTH_TLS"],
    ]);
    expect(JSON.stringify(checks)).not.toContain("hunter2");
    expect((await auth(["doctor"], faulty)).stdout).toMatch(/\n\n\d failures?, 0 warnings\.\n$/);
  });

  test("says what is wrong with the wrapping key", async () => {
    await using folder = await temporaryFolder();
    const open = join(folder.path, "open");
    await writeFile(open, newKey());
    await chmod(open, 0o666);
    const cases: [Environment, RegExp][] = [
      [{ AUTH_WRAPPING_KEY: "aHVudGVyMg==" }, /^failed: .*has 7 bytes; expected 32\.$/],
      [
        { AUTH_WRAPPING_KEY: undefined, AUTH_WRAPPING_KEY_FILE: "/nowhere/key" },
        /^failed: Cannot read \/nowhere\/key: no such file/,
      ],
      [
        { AUTH_WRAPPING_KEY: undefined, AUTH_WRAPPING_KEY_FILE: open },
        /^failed: Cannot trust .*is writable by every user; run: chmod o-w/,
      ],
    ];
    await inTurns(cases, async ([given, sentence]) => {
      expect(await about("wrapping key", { ...environment, ...given })).toEqual([
        expect.stringMatching(sentence),
      ]);
    });
  });

  test("says what is wrong with the TLS files", async () => {
    const authority = new Authority("auth.test");
    const day = 86_400_000;
    const days = (from: number, until: number) =>
      authority.issue({ commonName: "auth.test", startsIn: from * day, endsIn: until * day });
    const [good, other] = [days(-1, 90), days(-1, 90)];
    const cases: [Pair | undefined, number, RegExp[]][] = [
      [good, 0o600, [/^ok: The certificate of CN=auth\.test matches the key and is valid until \S+Z\.$/]],
      [days(-1, 3), 0o600, [/^warning: .*matches the key and expires soon \(\S+Z\): renew it\.$/]],
      [days(-9, -1), 0o600, [/^failed: .*expired \S+Z: replace the file; no restart is needed\.$/]],
      [days(1, 9), 0o600, [/^failed: .*is not valid before \S+Z\.$/]],
      [good, 0o644, [/^ok: /, /^failed: .* is accessible to other users\. Run: chmod o= /]],
      [
        { cert: good.cert, key: other.key },
        0o600,
        [/^failed: Cannot use .*tls\.crt with .*tls\.key: .*mismatch\.$/],
      ],
      [{ cert: "no certificate", key: good.key }, 0o600, [/^failed: Cannot use /]],
      [undefined, 0, [/^failed: Cannot read .*tls\.crt: no such file\.$/]],
    ];
    await inTurns(
      cases.map((each) => [new PairFolder(each[0]), ...each] as const),
      async ([folder, pair, mode, sentences]) => {
        if (pair !== undefined) await chmod(folder.keyFile, mode);
        const tls = {
          AUTH_TLS: "on",
          AUTH_TLS_CERT_FILE: folder.certFile,
          AUTH_TLS_KEY_FILE: folder.keyFile,
        };
        const says = await about("TLS", { ...environment, ...tls });
        expect(says).toEqual(sentences.map((sentence) => expect.stringMatching(sentence)));
      },
    );
  });

  test("says who has an address, and whether it is one", async () => {
    const squatter = createServer((socket) => socket.on("error", () => {}).end("hello\r\n")).listen(
      0,
      "127.0.0.1",
    );
    await once(squatter, "listening");
    const { port } = squatter.address() as { port: number };
    await using service = await startService({ ...environment });
    const cases: [string, Environment, RegExp][] = [
      ["gRPC address", { AUTH_GRPC_ADDRESS: service.grpcAddress }, /^ok: A service answers on 127/],
      ["HTTP address", { AUTH_HTTP_ADDRESS: new URL(service.httpUrl).host }, /^ok: A service answers on 127/],
      [
        "gRPC address",
        { AUTH_GRPC_ADDRESS: `127.0.0.1:${port}` },
        /^failed: .* is in use by another program: stop it, or set AUTH_GRPC_ADDRESS/,
      ],
      [
        "HTTP address",
        { AUTH_HTTP_ADDRESS: `127.0.0.1:${port}` },
        /^failed: .* is in use by another program: stop it, or set AUTH_HTTP_ADDRESS/,
      ],
      [
        "HTTP address",
        { AUTH_TLS: "mesh", AUTH_HTTP_ADDRESS: "192.0.2.1:80" },
        /^failed: The service cannot listen on 192\.0\.2\.1:80: not an address of this machine: set/,
      ],
    ];
    await inTurns(cases, async ([check, given, sentence]) => {
      const anyone = given["AUTH_TLS"] === "mesh" ? { AUTH_CALLERS: "known" } : {};
      expect(await about(check, { ...environment, ...anyone, ...given })).toEqual([
        expect.stringMatching(sentence),
      ]);
    });
    squatter.close();
  });

  test("says why the database cannot be used", async () => {
    const nowhere = new URL(database.uri);
    nowhere.pathname = "nowhere";
    const cases: [string, RegExp][] = [
      [
        "postgresql://auth:hunter2@127.0.0.1:1/auth",
        /^failed: Cannot connect to the database at 127\.0\.0\.1:1\/auth: .*ECONNREFUSED/,
      ],
      [nowhere.href, /^failed: .*database "nowhere" does not exist\.$/],
    ];
    await inTurns(cases, async ([DATABASE_URL, sentence]) => {
      const { checks } = await doctor({ ...environment, DATABASE_URL });
      expect(checks.at(-1)).toMatchObject({ check: "database", outcome: "failed" });
      expect(`failed: ${checks.at(-1)?.says}`).toMatch(sentence);
      expect(JSON.stringify(checks)).not.toContain("hunter2");
    });
  });

  test("says which migrations are missing, or were changed", async () => {
    const empty = await createTestDatabase();
    const given = { ...environment, DATABASE_URL: empty.uri };
    expect(await about("migrations", given)).toEqual([
      expect.stringMatching(
        /^failed: \d+ steps missing, starting with 0001-users\/table, .*run `auth migrate`/,
      ),
    ]);
    expect(await about("migrations", { ...given, AUTH_MIGRATE: "auto" })).toEqual([
      expect.stringMatching(/^warning: \d+ steps missing, .*the next start applies them/),
    ]);
    await auth(["migrate"], given);
    await execute(empty, "update migrations set checksum = 'other' where id = '0001-users/table'");
    expect(await about("migrations", given)).toEqual([
      "failed: Migration 0001-users/table has changed since this database applied it.",
    ]);
    await empty.drop();
  });

  test("says that the database is far away", async () => {
    await using proxy = await WireProxy.start(database.uri);
    proxy.faults = () => ({ when: "before", what: { delayMs: 30 } });
    expect(await about("round trip", { ...environment, DATABASE_URL: proxy.uri })).toEqual([
      expect.stringMatching(/^warning: A round trip takes [3-9]\d\.\d ms, and a sign-in takes three/),
    ]);
  });

  test("says that the clocks differ", async () => {
    const off = (ms: number) => {
      const code = `const now = Date.now; Date.now = () => now() + (${ms})`;
      return { ...environment, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
    };
    expect(await about("clock", off(5_000))).toEqual([
      expect.stringMatching(
        /^warning: This machine's clock is (4\.9|5\.\d) s ahead of the database's: .*NTP\.$/,
      ),
    ]);
    expect(await about("clock", off(-120_000))).toEqual([
      expect.stringMatching(/^failed: This machine's clock is 1(19|20)\.\d s behind the database's: /),
    ]);
  });

  test("says that text is not ordered byte by byte", async () => {
    const uri = new URL(database.uri);
    const name = `test_${randomUUID().replaceAll("-", "")}`;
    await execute(
      database,
      `create database ${name} template template0 locale_provider icu icu_locale 'und' locale 'C'`,
    );
    uri.pathname = name;
    expect(await about("collation", { ...environment, DATABASE_URL: uri.href })).toEqual([
      expect.stringMatching(/^warning: .*LC_COLLATE 'C'\.$/),
    ]);
    await execute(database, `drop database ${name} with (force)`);
  });

  test("says which secrets do not open, and which an older wrapping key wraps", async () => {
    const young = newKey();
    const closed = await about("secrets", { ...environment, AUTH_WRAPPING_KEY: young });
    expect(closed.length).toBeGreaterThanOrEqual(4);
    expect(closed).toContainEqual(
      expect.stringMatching(
        /^failed: Secret page-tokens: encrypted with key [0-9a-f]{16}, .*\. Add the wrapping key/,
      ),
    );
    expect(closed).toContainEqual(
      expect.stringMatching(/^failed: Signing key [0-9a-f-]{36}: encrypted with/),
    );
    const both = { ...environment, AUTH_WRAPPING_KEY: `${young},${file.wrappingKey}` };
    expect(await about("secrets", both)).toEqual([
      `warning: All ${closed.length} can be decrypted, ${closed.length} of them only by an older wrapping key: run \`auth keys wrap\`.`,
    ]);
    expect((await auth(["keys", "wrap"], both)).stdout).toMatch(/^1 signing key of 1 encrypted again; /);
    const exchanged = { ...environment, AUTH_WRAPPING_KEY: young };
    expect(await about("secrets", exchanged)).toEqual([
      `ok: All ${closed.length} are encrypted by the first wrapping key and can be decrypted.`,
    ]);
    await auth(["keys", "wrap"], { ...environment, AUTH_WRAPPING_KEY: `${file.wrappingKey},${young}` });
    await execute(database, "update shared_secrets set secret = 'x' where name = 'page-tokens:wrapped'");
    expect(await about("secrets", environment)).toEqual([
      expect.stringMatching(/^failed: Secret page-tokens: not a wrapped secret\./),
    ]);
    await execute(database, "delete from shared_secrets where name = 'page-tokens:wrapped'");
  });

  test("says that the file of breached passwords cannot be used", async () => {
    const given = { ...environment, AUTH_BREACH_CHECK_FILE: "/nowhere/pwned.txt" };
    expect(await about("breached passwords", given)).toEqual([
      "failed: Cannot use /nowhere/pwned.txt (AUTH_BREACH_CHECK_FILE): no such file.",
    ]);
  });

  test("says that nobody may call yet, and what is wrong with a policy", async () => {
    await using folder = await temporaryFolder();
    const policy = join(folder.path, "policy.json");
    await writeFile(policy, '{"callers": [{"caller": "spiffe://x/y", "roles": ["emperor"]}]}');
    const known = { ...environment, AUTH_CALLERS: "known" };
    expect(await about("callers", known)).toEqual([
      expect.stringMatching(
        /^warning: No caller has permissions yet: run `auth service-account create --name ops --role admin`/,
      ),
    ]);
    expect(await about("policy", { ...known, AUTH_POLICY_FILE: policy })).toEqual([
      expect.stringMatching(/^failed: Invalid policy .*:\n.*emperor/),
    ]);
    await auth(["service-account", "create", "--name", "ops", "--role", "admin"], known);
    expect(await about("callers", known)).toEqual(["ok: Service accounts exist; there is no policy file."]);
  });
});

describe("doctor on the embedded database", () => {
  test("says what is not there yet, makes nothing, and then finds all well, whether or not a service runs", async () => {
    await using folder = await temporaryFolder();
    const AUTH_DATA_DIR = join(folder.path, "data");
    const environment = { AUTH_DATA_DIR };
    const fresh = await doctor(environment);
    expect(fresh.checks.filter(({ outcome }) => outcome !== "ok").map(({ check }) => check)).toEqual([
      "wrapping key",
      "database",
    ]);
    expect(await about("data folder", environment)).toEqual([
      expect.stringMatching(/^ok: .*does not exist yet; the first start creates it\.$/),
    ]);
    await using service = await startService(environment);
    expect(await about("database", environment)).toEqual([
      expect.stringMatching(/^ok: PostgreSQL 18\.\d+ in .*, run by a service, SERIALIZABLE\.$/),
    ]);
    await service[Symbol.asyncDispose]();
    const { checks } = await doctor(environment);
    expect(checks.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    expect(checks.find(({ check }) => check === "database")?.says).toMatch(/started for this check/);

    const [key, copy] = [join(AUTH_DATA_DIR, "wrapping-key"), join(folder.path, "copy")];
    await chmod(key, 0o644);
    expect(await about("wrapping key", environment)).toEqual([
      expect.stringMatching(/^failed: .*is accessible to other users .* chmod 600/),
    ]);
    await chmod(key, 0o600);
    await rename(key, copy);
    expect(await about("secrets", environment)).toEqual([
      expect.stringMatching(
        /^failed: The database holds \d+, but the wrapping key is missing: restore it from its copy\.$/,
      ),
    ]);
    await rename(copy, key);
    await chmod(join(AUTH_DATA_DIR, "postgres"), 0o755);
    expect(await about("data folder", environment)).toEqual([
      expect.stringMatching(
        /^failed: .*postgres is accessible to other users \(mode 0755\)\. Run: chmod 700 /,
      ),
    ]);
    await chmod(join(AUTH_DATA_DIR, "postgres"), 0o700);
    await writeFile(join(AUTH_DATA_DIR, "postgres/PG_VERSION"), "9\n");
    expect(await about("database", environment)).toEqual([
      expect.stringMatching(
        /^failed: .* was written by PostgreSQL 9, but this is PostgreSQL 18; move the data/,
      ),
    ]);
    await rm(folder.path, { recursive: true });
    await mkdir(folder.path);
    await writeFile(AUTH_DATA_DIR, "no folder");
    expect(await about("data folder", environment)).toEqual([
      expect.stringMatching(/^failed: .* is not accessible to uid \d+: run auth as its owner/),
    ]);
  });
});

describe("a finding", () => {
  test("of a check that throws, or never ends, is that it has failed", async () => {
    const thrown = await runCheck({ name: "x", run: () => Promise.reject(new Error("boom")) });
    expect(thrown).toEqual([{ check: "x", outcome: "failed", says: "Boom." }]);
    const late = await runCheck({ name: "x", run: () => new Promise(() => {}) }, 10);
    expect(late).toEqual([{ check: "x", outcome: "failed", says: "The check timed out after 0.01 s." }]);
    const sync = await runCheck({
      name: "x",
      run: () => {
        throw "no error";
      },
    });
    expect(sync).toMatchObject([{ outcome: "failed", says: "No error." }]);
  });

  test("about the disk depends on how much is left", () => {
    expect(spaceFinding("./data", 99 * 1_048_576).outcome).toBe("failed");
    expect(spaceFinding("./data", 500 * 1_048_576).outcome).toBe("warning");
    expect(spaceFinding("./data", 2 ** 31)).toEqual({
      outcome: "ok",
      says: "./data is usable; 2048 MiB are free on its disk.",
    });
  });

  test("about the signing keys depends on which signs, and whether the next one is late", () => {
    const at = (minutes: number) => new Date(minutes * 60_000);
    const key = (id: string, state: SigningKeyStatus["state"], until: number): SigningKeyStatus => ({
      id,
      sequence: 1,
      algorithm: "ES256",
      state,
      createTime: at(0),
      activateTime: at(0),
      deactivateTime: at(until),
      retireTime: undefined,
      revokeTime: undefined,
    });
    const found = (keys: SigningKeyStatus[], minutes: number) =>
      keysFinding(keys, at(minutes).getTime(), 600_000);
    expect(found([key("a", "signing", 60)], 0)).toEqual({
      outcome: "ok",
      says: "a (ES256) signs until 1970-01-01T01:00:00Z; the next one is due 1970-01-01T00:50:00Z.",
    });
    expect(found([key("a", "signing", 60), key("b", "next", 120)], 55).says).toMatch(/the next one is b/);
    expect(found([key("a", "signing", 60)], 51).outcome).toBe("ok");
    expect(found([key("a", "signing", 60)], 53)).toMatchObject({
      outcome: "warning",
      says: expect.stringContaining("check that a service runs"),
    });
    expect(found([key("a", "retired", 60)], 0).outcome).toBe("failed");
  });
});

async function execute({ uri }: TestDatabase, statement: string): Promise<void> {
  const client = new Client({ connectionString: uri });
  await client.connect();
  await client.query(statement);
  await client.end();
}
