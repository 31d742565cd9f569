import { randomBytes } from "node:crypto";
import type { DescField, DescMethod } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WrappingKeys } from "../../src/infrastructure/crypto/wrapping-keys.ts";
import { grpcClients } from "../support/clients.ts";
import { figure } from "../support/figures.ts";
import { rowsAt } from "../support/rows-of.ts";
import { type RunningService, ServiceProcess, startService } from "../support/service.ts";
import { StoppablePostgres } from "../support/stoppable-postgres.ts";
import { Canaries } from "./canaries.ts";
import { pathOf, Wire } from "./channels.ts";
import { type Fill, filled, isRedacted, methods, plausible } from "./filled-requests.ts";

// A secret in every place where one belongs, every way of the API and of its failures, and then a look at all that can be seen.

/** Sent in requests. Nothing of them may come back, be logged, or be kept. */
const sent = new Canaries();
/** Of the environment, and what the service has made: good answers hold the latter. */
const kept = new Canaries();
/** What is shown where it belongs: found, or the search is blind. */
const planted = new Canaries();
const control = {
  requestId: planted.at("request id"),
  displayName: planted.at("display name"),
  issuer: planted.at("issuer"),
  host: planted.at("host of a database"),
};

const wrappingKey = randomBytes(32).toString("base64");
let postgres: StoppablePostgres;
let service: RunningService;
let wire: Wire;
let dump = "";
let publicPages = "";
const failedStarts: string[] = [];

const fillWith =
  (others: Fill): Fill =>
  (field: DescField) =>
    isRedacted(field) ? sent.at(field.toString()) : others(field);

/** Headers whose values are the caller's own affair. */
const headers = () => ({
  cookie: `session=${sent.at("cookie")}`,
  "x-forwarded-client-cert": `By=x;Hash=${sent.at("certificate")};URI=spiffe://a.test/${sent.at("certificate's URI")}`,
  "x-request-id": `${sent.at("malformed request id")} "`,
  "x-api-key": sent.at("another header"),
});

/** Calls every method over both ports: a few at once, as the database and the hashes allow. */
async function everyMethod(fill: Fill, more: () => Record<string, string> = () => ({})): Promise<void> {
  const calls = methods.map(
    (method) => () => wire.call(method, filled(method.input, fillWith(fill)), { ...headers(), ...more() }),
  );
  await inTurns(calls, 4);
}

async function inTurns(tasks: readonly (() => Promise<void>)[], atOnce: number): Promise<void> {
  const left = [...tasks];
  const work = async () => {
    for (let task = left.shift(); task !== undefined; task = left.shift()) await task();
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** What cannot be read: the parsers of others like to repeat what they were given. */
async function malformed(method: DescMethod): Promise<void> {
  const path = pathOf(method);
  const [secret] = method.input.fields.filter(isRedacted);
  const name = secret?.jsonName ?? "password";
  const canary = () => sent.at(`malformed ${path}`);
  const bodies = [
    `{"${name}": "${canary()}", oops`,
    `{"${name}": "${canary()}`,
    `{"${name}": ${canary()}}`,
    `{"${name}": {"x": "${canary()}"}}`,
    `{"${name}": ["${canary()}"]}`,
    `{"${name}": "${canary()}\\ud800"}`,
    `{"${canary()}": 1}`,
    `{"user": "${canary()}", "maxStaleness": "${canary()}", "pageSize": "${canary()}"}`,
    canary(),
    `"${canary()}"`,
  ];
  for (const body of bodies) await wire.post(path, body, headers());
  for (const type of ["application/proto", "application/grpc-web+proto", "text/plain", canary()]) {
    await wire.post(path, canary(), { "content-type": type });
  }
  await wire.post(path, canary(), { "content-encoding": "gzip" });
  await wire.post(`${path}?${name}=${canary()}`, "{}");
  await wire.get(`${path}?encoding=json&message=${encodeURIComponent(`{"${name}":"${canary()}"}`)}`);
}

beforeAll(async () => {
  postgres = await StoppablePostgres.start();
  kept.know("AUTH_WRAPPING_KEY", wrappingKey);
  await postgres.setPassword(kept.at("DATABASE_URL's password"));
  const environment = {
    DATABASE_URL: postgres.uri,
    AUTH_MIGRATE: "auto",
    AUTH_WRAPPING_KEY: wrappingKey,
    AUTH_ISSUER: `https://${control.issuer}.test`,
    // Nobody is there: every new password takes the way of a check that fails.
    AUTH_BREACH_CHECK_URL: `http://127.0.0.1:1/${kept.at("AUTH_BREACH_CHECK_URL's path")}`,
    AUTH_LOG_LEVEL: "debug",
    AUTH_HASH_CONCURRENCY: "1",
    AUTH_HASH_QUEUE: "8",
    NODE_OPTIONS: "--trace-warnings --trace-deprecation",
  };
  service = await startService(environment);
  wire = new Wire(service);
  const { users, authentication, sessions, tokens } = grpcClients(service);

  // Somebody signs in, so that there are tokens, a session and a hash to be seen.
  const password = sent.at("password of a user");
  const username = "ada";
  const created = await users.createUser(
    { user: { username, displayName: control.displayName }, password },
    { headers: { "x-request-id": control.requestId } },
  );
  const userId = created.user?.id ?? "";
  const signIn = await authentication.authenticate({
    identifier: username,
    password,
    audience: "development",
    client: { id: "web" },
  });
  kept.know("access token", signIn.tokens?.accessToken ?? "");
  kept.know("refresh token", signIn.tokens?.refreshToken.slice(-43) ?? "");
  const next = await sessions.refreshSession({ refreshToken: signIn.tokens?.refreshToken ?? "" });
  kept.know("next access token", next.tokens?.accessToken ?? "");
  expect((await tokens.introspectToken({ token: next.tokens?.accessToken ?? "" })).active).toBe(true);
  // People type passwords where names belong.
  await authentication
    .verifyPassword({ identifier: sent.at("password typed as a name"), password })
    .catch(() => {});

  const known = plausible({ userId, username });
  await everyMethod(known);
  await everyMethod(() => "x".repeat(3_000));
  await everyMethod(known, () => ({ authorization: `Bearer ${sent.at("bearer")}` }));
  await everyMethod(known, () => ({
    authorization: `Basic ${Buffer.from(`a:${sent.at("basic")}`).toString("base64")}`,
  }));
  await everyMethod(known, () => ({ "connect-timeout-ms": "1", "grpc-timeout": "1m" }));
  await inTurns(
    methods.map((method) => () => malformed(method)),
    8,
  );
  // A full queue, and callers who go away.
  const verify = methods.find(({ name }) => name === "VerifyPassword") as DescMethod;
  const crowd = Array.from({ length: 40 }, () =>
    wire.call(verify, filled(verify.input, fillWith(known)), headers()),
  );
  await Promise.all(crowd);

  await postgres.stop();
  await everyMethod(known);
  await postgres.start();
  await service.process.logged("ready");
  await everyMethod(known);

  const pages = [
    "/livez",
    "/readyz",
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/",
    `/x?token=${sent.at("token in a URL")}`,
  ];
  publicPages = (await Promise.all(pages.map((page) => wire.get(page)))).join("\n");
  dump = await rowsAt(postgres.uri);
  const secrets = await sharedSecrets(dump);
  for (const [name, secret] of secrets) kept.needles.addBytes(`shared secret ${name}`, secret);
  service.process.kill("SIGTERM");
  await service.process.exited();

  // What cannot start says why.
  const other = randomBytes(32).toString("base64");
  kept.know("another wrapping key", other);
  const url = (host: string) =>
    `postgresql://auth:${kept.at("password of a database")}@${host}/auth?sslmode=verify-full`;
  for (const wrong of [
    { AUTH_WRAPPING_KEY: other },
    { AUTH_WRAPPING_KEY: kept.at("wrapping key that is none") },
    { AUTH_WRAPPING_KEY: `${wrappingKey},${wrappingKey}` },
    { DATABASE_URL: url("127.0.0.1:1"), AUTH_DATABASE_WAIT: "0ms" },
    { DATABASE_URL: url(`${control.host}.invalid`), AUTH_DATABASE_WAIT: "0ms" },
    { DATABASE_URL: url("db").replace("verify-full", "disable") },
    { DATABASE_URL: `mysql://root:${kept.at("password of another database")}@db` },
    { DATABASE_URL: `postgresql://auth:${kept.at("broken URL")}@[` },
    { AUTH_BREACH_CHECK_URL: `https://me:${kept.at("password of a breach check")}@breaches.test` },
    { AUTH_ISSUER: `https://me:${kept.at("password of an issuer")}@auth.test` },
  ]) {
    const refused = new ServiceProcess({ ...environment, ...wrong });
    expect(await refused.exited()).toBe(1);
    failedStarts.push(refused.output);
  }
}, 180_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
});

/** The keys that the database holds wrapped: nobody has seen them yet. */
async function sharedSecrets(rows: string): Promise<[string, Buffer][]> {
  const opener = WrappingKeys.parse(wrappingKey);
  const found = [...rows.matchAll(/\(([\w-]+):wrapped,"?\\+x([0-9a-f]+)/g)];
  expect(found.length).toBeGreaterThanOrEqual(5);
  return found.map(([, name = "", hex = ""]) => [
    name,
    opener.unwrap(Buffer.from(hex, "hex"), `shared-secret/1/${name}`),
  ]);
}

/** Where something can be seen, and what is seen there as it should be. */
const channels: [name: string, seen: () => string, control: string, secrets: readonly Canaries[]][] = [
  ["the log, at level debug, and standard error", () => service.process.output, "request id", [sent, kept]],
  [
    "what is said by those that cannot start",
    () => failedStarts.join("\n"),
    "host of a database",
    [sent, kept],
  ],
  ["answers, their headers, errors and details", () => wire.text, "display name", [sent]],
  ["what everybody may read over HTTP", () => publicPages, "issuer", [sent, kept]],
  ["the database", () => dump, "display name", [sent, kept]],
];

describe.each(channels)("in %s", (_name, seen, shown, secrets) => {
  test("what is to be there is found", () => {
    expect(planted.foundIn(seen()).join()).toContain(`${shown} (canary`);
  });

  test("no secret is", () => {
    expect(secrets.flatMap((canaries) => canaries.foundIn(seen()))).toEqual([]);
  });

  test("a secret would be", () => {
    const canaries = new Canaries();
    const leaks = ["as it is", "in base64", "in hex", "half of it"].map(
      (form) => [form, canaries.at(form)] as const,
    );
    const forms: Readonly<Record<string, (text: string) => string>> = {
      "in base64": (text) => Buffer.from(`.${text}`).toString("base64"),
      "in hex": (text) => Buffer.from(text).toString("hex"),
      "half of it": (text) => text.slice(22),
    };
    const leaky = leaks.map(([form, text]) => forms[form]?.(text) ?? text).join("\n");
    const found = canaries.foundIn(`${seen()}\n${leaky}`).join();
    for (const [form] of leaks) expect(found).toContain(form);
  });
});

test("the way there was long enough", () => {
  const codes = new Set(service.process.log.map(({ code }) => code));
  for (const code of [
    "OK",
    "INVALID_ARGUMENT",
    "UNAUTHENTICATED",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
  ]) {
    expect(codes).toContain(code);
  }
  const called = new Set(service.process.log.map(({ method }) => method));
  for (const method of methods) expect(called).toContain(`${method.parent.typeName}/${method.name}`);
  expect(service.process.output).toContain("breached-password check failed");
  figure("canaries", {
    "secrets, in all their forms": sent.needles.size + kept.needles.size,
    answers: wire.size,
    "lines of the log": service.process.lines.length,
  });
});
