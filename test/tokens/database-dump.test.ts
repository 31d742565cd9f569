import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import type { Tokens } from "../../src/gen/auth/v1/session_pb.ts";
import { WrappingKeys } from "../../src/infrastructure/crypto/wrapping-keys.ts";
import { startEmbeddedPostgres } from "../../src/infrastructure/db/embedded-postgres.ts";
import { type ApiClients, grpcClients, httpClients } from "../support/clients.ts";
import { figure } from "../support/figures.ts";
import { rowsOf } from "../support/rows-of.ts";
import { errorOf } from "../support/rpc.ts";
import { startService, temporaryFolder } from "../support/service.ts";
import { audience } from "../support/services.ts";
import { Needles } from "./needles.ts";
import { newWrappingKey } from "./two-services.ts";

/** Everything that was said in confidence, and what may be found: so that finding nothing means something. */
class Confidences {
  readonly needles = new Needles();
  readonly known = new Needles();
  readonly userIds: string[] = [];
  readonly kids = new Set<string>();
  #passwords = 0;

  password(): string {
    const password = `${randomUUID()} correct horse battery`;
    this.needles.addText(`password ${++this.#passwords}`, password);
    return password;
  }

  tokens(name: string, { accessToken, refreshToken }: Tokens): void {
    const signature = accessToken.split(".")[2] ?? "";
    this.needles.addText(`access token of ${name}`, accessToken);
    this.needles.addText(`signature of the access token of ${name}, encoded`, signature);
    this.needles.addBytes(`signature of the access token of ${name}`, Buffer.from(signature, "base64url"));
    const code = Buffer.from(refreshToken.slice(4), "base64url").subarray(-32);
    this.needles.addText(`refresh token of ${name}`, refreshToken);
    this.needles.addText(`end of the refresh token of ${name}`, refreshToken.slice(-43));
    this.needles.addBytes(`code of the refresh token of ${name}`, code);
  }
}

/** Users come, sign in, refresh, change their passwords, are mistaken, and go. */
async function live(clients: ApiClients, confidences: Confidences, round: string): Promise<void> {
  const { users, authentication, sessions, tokens } = clients;
  const client = { id: "web", displayName: "Ada's phone" };
  for (let n = 0; n < 3; n++) {
    const name = `${round}-${n}`;
    const [first, second, third] = [1, 2, 3].map(() => confidences.password());
    const { user } = await users.createUser({
      user: { username: `user-${name}`, displayName: "Ada" },
      password: first!,
      requestId: randomUUID(),
    });
    const userId = user!.id;
    confidences.userIds.push(userId);
    confidences.known.addText(`username ${name}`, `user-${name}`);
    const signIn = async (password: string) => {
      const answer = await authentication.authenticate({
        identifier: `user-${name}`,
        password,
        audience,
        client,
      });
      return { session: answer.session!, tokens: answer.tokens! };
    };
    await errorOf(signIn(confidences.password()));
    await authentication.verifyPassword({ identifier: `user-${name}`, password: first! });
    let { tokens: newest, session } = await signIn(first!);
    const firstTokens = newest;
    for (let i = 0; i < 4; i++) {
      confidences.tokens(`${name}, refreshed ${i} times`, newest);
      expect((await tokens.introspectToken({ token: newest.accessToken })).active).toBe(true);
      const answer = await sessions.refreshSession({ refreshToken: newest.refreshToken });
      newest = answer.tokens!;
      await tokens.batchIntrospectTokens({ tokens: [newest.accessToken, newest.refreshToken] });
    }
    confidences.tokens(`${name}, refreshed at last`, newest);
    await authentication.changePassword({
      userId,
      currentPassword: first!,
      newPassword: second!,
      keepSessionId: session.id,
      requestId: randomUUID(),
    });
    ({ tokens: newest, session } = await signIn(second!));
    confidences.tokens(`${name}, signed in again`, newest);
    // By somebody who has stolen it: the session ends, and the log says so.
    await errorOf(sessions.refreshSession({ refreshToken: firstTokens.refreshToken }));
    await authentication.setPassword({ userId, password: third!, requestId: randomUUID() });
    for (let i = 0; i < 2; i++) confidences.tokens(`${name}, session ${i}`, (await signIn(third!)).tokens);
    const page = await sessions.listSessions({ userId, pageSize: 1 });
    confidences.needles.addText(`page token of ${name}`, page.nextPageToken);
    if (n === 2) await users.suspendUser({ id: userId, reason: "test", requestId: randomUUID() });
  }
  const { nextPageToken } = await users.listUsers({ pageSize: 1 });
  confidences.needles.addText(`page token of users ${round}`, nextPageToken);
}

/** What the database keeps wrapped, and what wraps it, once all is over. */
async function unwrap(dataDir: string, wrappingKeys: readonly string[], confidences: Confidences) {
  const postgres = await startEmbeddedPostgres({ dataDir });
  const client = new Client({ connectionString: postgres.uri });
  try {
    await client.connect();
    const opener = WrappingKeys.parse(wrappingKeys.join("\n"));
    const secrets = (await client.query("select name, secret from shared_secrets order by name")).rows;
    expect(secrets.map(({ name }) => name)).toEqual([
      "attempts:wrapped",
      "imports:wrapped",
      "page-tokens:wrapped",
      "refresh-tokens:wrapped",
      "service-account-keys:wrapped",
      "stand-ins:wrapped",
    ]);
    for (const { name, secret } of secrets) {
      const own = String(name).replace(":wrapped", "");
      confidences.needles.addBytes(`key of ${own}`, opener.unwrap(secret, `shared-secret/1/${own}`));
      confidences.known.addBytes(`wrapped key of ${own}`, secret);
    }
    const keys = (
      await client.query("select id, algorithm, public_jwk, wrapped_private_key from signing_keys")
    ).rows;
    for (const { id, algorithm, public_jwk: publicJwk, wrapped_private_key: wrapped } of keys) {
      const der = opener.unwrap(wrapped, `signing-key/1/${id}/${algorithm}`);
      confidences.kids.add(id);
      confidences.needles.addBytes(`private key ${id} as PKCS#8`, der);
      const d = privateMember(der, algorithm);
      confidences.needles.addBytes(`private key ${id}`, d);
      confidences.needles.addText(`d of private key ${id}`, d.toString("base64url"));
      confidences.known.addText(`public key ${id}`, publicJwk.x);
    }
    return Buffer.from(await rowsOf(client));
  } finally {
    await client.end();
    await postgres.stop();
  }
}

/** The private scalar or seed: 32 bytes of the PKCS#8 (RFC 5915, RFC 8410), found by what stands before it. */
function privateMember(der: Buffer, algorithm: string): Buffer {
  const before = Buffer.from(algorithm === "ES256" ? "0201010420" : "04220420", "hex");
  const at = der.indexOf(before) + before.length;
  expect(at).toBeGreaterThan(before.length);
  return Buffer.from(der.subarray(at, at + 32));
}

interface Stolen {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Every file of the data folder except the secret one. A server whose service was killed may still remove its own. */
function filesOf(dataDir: string): Stolen[] {
  return readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "wrapping-key")
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((path) => {
      const bytes = readIfThere(path);
      return bytes === undefined ? [] : [{ name: path.slice(dataDir.length + 1), bytes }];
    });
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

describe("whoever steals the database, its files, its write-ahead log and the service's log", {
  timeout: 180_000,
}, () => {
  const confidences = new Confidences();
  const stolen: Stolen[] = [];

  beforeAll(async () => {
    await using folder = await temporaryFolder();
    const dataDir = join(folder.path, "data");
    const keyFile = join(dataDir, "wrapping-key");
    const environment = {
      AUTH_DATA_DIR: dataDir,
      AUTH_JWKS_MAX_AGE: "1s",
      AUTH_SIGNING_KEY_ROTATION: "3s",
      AUTH_LOG_LEVEL: "debug",
    };
    const wrappingKeys: string[] = [];
    for (const [round, signal, algorithm] of [
      ["one", "SIGKILL", "ES256"],
      ["two", "SIGTERM", "EdDSA"],
    ] as const) {
      await using service = await startService({ ...environment, AUTH_SIGNING_ALGORITHM: algorithm });
      await live(round === "one" ? grpcClients(service) : httpClients(service), confidences, round);
      const { tokens } = grpcClients(service);
      // Until another key has come.
      const before = (await tokens.getJwks({})).keys.length;
      while ((await tokens.getJwks({})).keys.length === before) await sleep(50);
      service.process.kill(signal);
      await service.process.exited();
      stolen.push({ name: `log ${round}`, bytes: Buffer.from(service.process.output) });
      stolen.push(...filesOf(dataDir).map((file) => ({ ...file, name: `${round}: ${file.name}` })));
      // Whatever is wrapped is wrapped anew at the next start.
      wrappingKeys.unshift(...(round === "one" ? [readFileSync(keyFile, "utf8").trim()] : []));
      if (round === "one") wrappingKeys.unshift(newWrappingKey());
      writeFileSync(keyFile, `${wrappingKeys.join("\n")}\n`);
    }
    for (const [i, key] of wrappingKeys.entries()) {
      confidences.needles.addBytes(`wrapping key ${i}`, Buffer.from(key, "base64"));
    }
    stolen.push({ name: "rows", bytes: await unwrap(dataDir, wrappingKeys, confidences) });
    stolen.push(...filesOf(dataDir));
    for (const id of [...confidences.userIds, ...confidences.kids]) {
      confidences.known.addBytes(`id ${id}`, Buffer.from(id.replaceAll("-", ""), "hex"));
    }
  }, 180_000);

  test("finds what is kept there in plain: ids, names, public keys and what is wrapped", () => {
    const found = new Set(stolen.flatMap(({ bytes }) => confidences.known.findIn(bytes)));
    for (const id of confidences.userIds) expect(found).toContain(`id ${id} as bytes`);
    expect(confidences.kids.size).toBeGreaterThanOrEqual(3);
    for (const kid of confidences.kids) {
      expect(found).toContain(`id ${kid} as bytes`);
      expect(found).toContain(`public key ${kid} as text`);
    }
    expect(found).toContain("wrapped key of page-tokens as bytes");
    expect(found).toContain("wrapped key of refresh-tokens as bytes");
    for (const round of ["one", "two"]) expect(found).toContain(`username ${round}-0 as text`);
    const names = stolen.map(({ name }) => name);
    expect(names.filter((name) => name.includes("pg_wal/0000")).length).toBeGreaterThanOrEqual(2);
    const wal = stolen.filter(({ name }) => name.includes("pg_wal/0000"));
    const inWal = wal.flatMap(({ bytes }) => confidences.known.findIn(bytes));
    expect(inWal).toContain(`id ${confidences.userIds[0]} as bytes`);
  });

  test("finds no token, no password and no key", () => {
    const hits = stolen.flatMap(({ name, bytes }) =>
      confidences.needles.findIn(bytes).map((needle) => `${needle} in ${name}`),
    );
    expect(hits).toEqual([]);
    figure("database dump", {
      "secrets looked for, in all their forms": confidences.needles.size,
      files: stolen.length,
      MB: Math.round(stolen.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1e6),
    });
  });
});

describe("the search", () => {
  test("finds each form of a secret wherever it stands", () => {
    const needles = new Needles();
    needles.addBytes("a key", Buffer.from("f".repeat(63).concat("1"), "hex"));
    needles.addText("a password", "correct horse");
    const forms = [
      Buffer.from("correct horse"),
      Buffer.from("correct horse", "utf16le"),
      Buffer.from(Buffer.from("correct horse").toString("base64")),
      Buffer.from(Buffer.from("a:correct horse").toString("base64")).subarray(2),
      Buffer.from(Buffer.from(".correct horse").toString("base64")).subarray(1),
      Buffer.from(encodeURIComponent("correct horse")),
      Buffer.from("f".repeat(63).concat("1")),
      Buffer.from("f".repeat(63).concat("1"), "hex"),
    ];
    for (const form of forms) {
      for (const before of [0, 1, 2, 3, 100]) {
        const haystack = Buffer.concat([Buffer.alloc(before, 0xff), form, Buffer.alloc(before)]);
        expect(needles.findIn(haystack)).not.toEqual([]);
        expect(needles.findIn(haystack.subarray(0, before + form.length - 4))).toEqual([]);
      }
    }
  });
});
