import { expect, onTestFinished } from "vitest";
import { createTestDatabase } from "../support/postgres.ts";
import { type Environment, startService } from "../support/service.ts";
import { testWith } from "../support/tools.ts";
import { chromium, openPage, reboundHost } from "./browser.ts";

// What the pages of a real browser can do to the service, and what they can read.

async function start(environment: Environment) {
  const database = await createTestDatabase();
  const service = await startService({ DATABASE_URL: database.uri, AUTH_MIGRATE: "auto", ...environment });
  onTestFinished(async () => {
    await service[Symbol.asyncDispose]();
    await database.drop();
  });
  return service;
}

/** JavaScript that calls a method with JSON, and returns the status, the body and the headers that it can read. */
const call = (url: string, method: string, message: object) => `
  const answer = await fetch(${JSON.stringify(`${url}/auth.v1.${method}`)}, {
    method: "POST",
    headers: { "content-type": "application/json", "connect-protocol-version": "1", "connect-timeout-ms": "5000" },
    body: ${JSON.stringify(JSON.stringify(message))},
  });
  return { status: answer.status, body: await answer.json() };`;

const newUser = { user: { username: "ada" } };

testWith(
  chromium,
  "a page of another origin reads the public keys, and cannot call",
  async () => {
    const { httpUrl, process } = await start({});
    const page = await openPage("localhost");
    expect(
      await page.run(
        `return (await (await fetch("${httpUrl}/.well-known/jwks.json")).json()).keys.length > 0`,
      ),
    ).toBe(true);
    expect(
      await page.run(`
        const { issuer } = await (await fetch("${httpUrl}/.well-known/openid-configuration")).json();
        return issuer`),
    ).toBe("https://auth.test");
    expect(await page.run(call(httpUrl, "UserService/CreateUser", newUser))).toBe("TypeError");
    // Without a preflight: only what a form could send.
    const simple = `
      await fetch("${httpUrl}/auth.v1.UserService/CreateUser", { method: "POST", mode: "no-cors", body: "{}" });
      await fetch("${httpUrl}/auth.v1.UserService/ListUsers?encoding=json&message=%7B%7D&connect=v1", { mode: "no-cors" });`;
    expect(await page.run(simple)).toBe(null);
    expect(process.log.filter(({ msg }) => msg === "call")).toEqual([]);
  },
  90_000,
);

testWith(
  chromium,
  "a page of a listed origin calls over Connect and gRPC-Web, and reads errors and streams",
  async () => {
    const page = await openPage("localhost");
    const { httpUrl } = await start({ AUTH_CORS_ORIGINS: `http://localhost:${page.port}` });
    expect(await page.run(call(httpUrl, "UserService/CreateUser", newUser))).toMatchObject({
      status: 200,
      body: { user: { username: "ada" } },
    });
    expect(await page.run(call(httpUrl, "UserService/CreateUser", newUser))).toMatchObject({
      status: 409,
      body: { code: "already_exists", details: [{ debug: { reason: "USERNAME_TAKEN" } }, {}] },
    });
    const firstOfStream = `
      const message = new TextEncoder().encode("{}");
      const answer = await fetch("${httpUrl}/auth.v1.EventService/WatchEvents", {
        method: "POST",
        headers: { "content-type": "application/connect+json", "connect-protocol-version": "1" },
        body: new Uint8Array([0, 0, 0, 0, message.length, ...message]),
      });
      const reader = answer.body.getReader();
      const { value } = await reader.read();
      await reader.cancel();
      return "cursor" in JSON.parse(new TextDecoder().decode(value.slice(5)));`;
    expect(await page.run(firstOfStream)).toBe(true);
    const grpcWeb = (body: string) => `
      const answer = await fetch("${httpUrl}/auth.v1.UserService/LookupUser", {
        method: "POST",
        headers: {
          "content-type": "application/grpc-web+proto",
          "x-grpc-web": "1",
          "x-user-agent": "test",
          "grpc-timeout": "5S",
          authorization: "Bearer",
        },
        body: new Uint8Array(${body}),
      });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      return { flag: bytes[0], trailers: new TextDecoder().decode(bytes.slice(5)) };`;
    expect(await page.run(grpcWeb("[0, 0, 0, 0, 0]"))).toEqual({
      flag: 0x80,
      trailers: expect.stringMatching(/grpc-status: 16\r\n/),
    });
  },
  90_000,
);

testWith(
  chromium,
  "a page whose name was rebound to 127.0.0.1 cannot call, although it has the same origin",
  async () => {
    const page = await openPage(reboundHost);
    expect(await page.run("return location.hostname")).toBe(reboundHost);
    await page.closeServer();
    const { httpUrl, process } = await start({ AUTH_HTTP_ADDRESS: `127.0.0.1:${page.port}` });
    expect(await page.run(call("", "UserService/ListUsers", {}))).toMatchObject({
      status: 403,
      body: {
        code: "permission_denied",
        details: [{ debug: { reason: "HOST_NOT_ALLOWED", domain: "auth" } }],
      },
    });
    expect(await page.run(call(httpUrl, "UserService/ListUsers", {}))).toBe("TypeError");
    expect(process.log.filter(({ msg }) => msg === "call")).toEqual([]);
  },
  90_000,
);
