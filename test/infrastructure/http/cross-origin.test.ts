import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadTlsFiles } from "../../../src/infrastructure/tls/tls-files.ts";
import { crossOriginRefusal } from "../../../src/interfaces/rpc/errors.ts";
import { Authority } from "../../support/authority.ts";
import { serveHttp } from "../../support/echo-server.ts";
import { RawTcp } from "../../support/raw-tcp.ts";
import { PairFolder } from "../../support/self-signed.ts";

const app = "https://app.example.com";
const path = "/echo.v1.EchoService/Say";
const documentPath = "/.well-known/jwks.json";

interface Served {
  readonly anonymous?: boolean;
  readonly allowed?: readonly string[];
  readonly tls?: Parameters<typeof serveHttp>[1] extends infer Options ? Options : never;
}

/** Serves the EchoService to web pages. Returns how to call it with headers of the test's own. */
async function serve({ anonymous = false, allowed = [], tls = {} }: Served = {}) {
  const { address } = await serveHttp(
    {},
    {
      documents: new Map([
        [documentPath, async () => ({ contentType: "application/json", body: "{}", maxAgeSeconds: 300 })],
      ]),
      crossOrigin: { allowedOrigins: new Set(allowed), anonymous, refusal: crossOriginRefusal },
      ...tls,
    },
  );
  const [hostname, port] = address.split(":");
  const ask = async (
    headers: Record<string, string | string[]> = {},
    { method = "POST", at = path, body = '{"text":"x"}', secure = false } = {},
  ) => {
    const send = secure ? httpsRequest : httpRequest;
    const request = send({
      hostname,
      port,
      method,
      path: at,
      rejectUnauthorized: false,
      headers: { "content-type": "application/json", ...headers },
    } as object);
    request.end(method === "POST" ? body : undefined);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.setEncoding("utf8");
    let text = "";
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode, headers: response.headers, text };
  };
  const reasonOf = async (headers: Record<string, string | string[]>, options = {}) => {
    const { status, text } = await ask(headers, options);
    if (status !== 403) return status;
    const { code, message, details } = JSON.parse(text);
    expect([code, details[0].type]).toEqual(["permission_denied", "google.rpc.ErrorInfo"]);
    expect(details[0].debug).toMatchObject({ domain: "auth" });
    expect(message).toMatch(/; (add it to AUTH_CORS_ORIGINS|use localhost or set AUTH_CALLERS=known)$/);
    return details[0].debug.reason;
  };
  return { address, port: String(port), ask, reasonOf };
}

describe("with AUTH_CALLERS=anyone", () => {
  it.each([
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost:8080",
    "localhost.:8080",
    "auth.localhost",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.1.",
    "127.1.2.3",
    "127.1",
    "[::1]",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
  ])("serves the host %s", async (host) => {
    const { reasonOf } = await serve({ anonymous: true });
    expect(await reasonOf({ host })).toBe(200);
  });

  it.each([
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "evil-localhost",
    "xlocalhost",
    "127.0.0.1.evil.example",
    "evil.example.",
    "localhost..",
    "0.0.0.0",
    "0",
    "128.0.0.1",
    "10.0.0.1",
    "192.168.0.1:8080",
    "[::]",
    "[::2]",
    "[fe80::1]",
    "[::ffff:10.0.0.1]",
    "localhost@evil.example",
    "evil.example@localhost",
    "localhost/evil.example",
    "localhost:",
    "%6cocalhost",
    "l\u00f6calhost",
  ])("refuses the host %j", async (host) => {
    const { reasonOf } = await serve({ anonymous: true });
    expect(await reasonOf({ host })).toBe("HOST_NOT_ALLOWED");
    expect(await reasonOf({ host }, { at: "/other" })).toBe("HOST_NOT_ALLOWED");
    expect(await reasonOf({ host, origin: `http://${host}` })).toBe("HOST_NOT_ALLOWED");
  });

  it("refuses a request without a host", async () => {
    const raw = new RawTcp((await serve({ anonymous: true })).address);
    raw.write(`POST ${path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
    expect(await raw.closed()).toMatch(/^HTTP\/1.1 403 .*HOST_NOT_ALLOWED/s);
  });

  it.each(["", "a|b", "localhost, evil.example", "localhost evil.example", "localhost:99999", "[::1", "::1"])(
    "answers a host that is malformed with 400: %j",
    async (host) => {
      const raw = new RawTcp((await serve({ anonymous: true })).address);
      raw.write(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 2\r\n`);
      raw.write("Content-Type: application/json\r\n\r\n{}");
      expect(await raw.closed()).toMatch(/^HTTP\/1.1 400 /);
    },
  );

  it.each([
    ["cross-site", "ORIGIN_NOT_ALLOWED"],
    ["Cross-Site", "ORIGIN_NOT_ALLOWED"],
    ["cross-site, none", "ORIGIN_NOT_ALLOWED"],
    ["", "ORIGIN_NOT_ALLOWED"],
    ["another", "ORIGIN_NOT_ALLOWED"],
    ["same-origin", 200],
    ["same-site", 200],
    ["none", 200],
  ])("answers Sec-Fetch-Site: %s by %s", async (site, expected) => {
    const { reasonOf } = await serve({ anonymous: true });
    expect(await reasonOf({ host: "localhost", "sec-fetch-site": site })).toBe(expected);
  });

  it.each([
    "https://evil.example",
    "http://localhost:3000",
    "http://localhost",
    "https://localhost:8080",
    "http://127.0.0.1:8080",
    "http://localhost:8080/",
    "http://localhost:8080, http://localhost:8080",
    "null",
    "",
    "chrome-extension://abc",
    app.toUpperCase(),
    `${app}:443`,
    `${app}.evil.example`,
  ])("refuses the foreign origin %j", async (origin) => {
    const { reasonOf } = await serve({ anonymous: true, allowed: [app] });
    expect(await reasonOf({ host: "localhost:8080", origin })).toBe("ORIGIN_NOT_ALLOWED");
  });

  it("serves pages of its own origin, over TLS too", async () => {
    const plain = await serve({ anonymous: true });
    expect(await plain.reasonOf({ host: "localhost:8080", origin: "http://localhost:8080" })).toBe(200);
    expect(await plain.reasonOf({ host: "LOCALHOST:80", origin: "http://localhost" })).toBe(200);
    const pair = new PairFolder(new Authority("localhost").pair);
    const tls = await loadTlsFiles({ certFile: pair.certFile, keyFile: pair.keyFile });
    onTestFinished(() => tls.close());
    const secure = await serve({ anonymous: true, tls: { tls } });
    const ask = (origin: string) => secure.reasonOf({ host: "localhost", origin }, { secure: true });
    expect(await ask("https://localhost")).toBe(200);
    expect(await ask("http://localhost")).toBe("ORIGIN_NOT_ALLOWED");
  });

  it.each([
    { host: "evil.example" },
    { host: "localhost", "sec-fetch-site": "cross-site" },
    { host: "localhost", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" },
  ])("serves the pages of an allowed origin: %j", async (headers) => {
    const { ask } = await serve({ anonymous: true, allowed: [app, "http://other.example"] });
    const answer = await ask({ ...headers, origin: app });
    expect([answer.status, answer.text]).toEqual([200, '{"text":"x"}']);
    expect(answer.headers["access-control-allow-origin"]).toBe(app);
  });

  it.each(["/livez", documentPath])("serves %s to everybody", async (at) => {
    const { ask } = await serve({ anonymous: true });
    const headers = { host: "evil.example", origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    expect((await ask(headers, { method: "GET", at })).status).toBe(200);
  });

  it("discards the body of a refused request, and answers the next one", async () => {
    const { address } = await serve({ anonymous: true });
    const raw = new RawTcp(address);
    const body = "x".repeat(200_000);
    raw.write(`POST ${path} HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\n`);
    raw.write(`Content-Length: ${body.length}\r\n\r\n${body}`);
    raw.write("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(await raw.closed()).toMatch(/^HTTP\/1.1 403 .*HTTP\/1.1 200 OK.*ok\n$/s);
  });
});

describe("with known callers", () => {
  it.each([
    { host: "auth.example.com" },
    { host: "auth.example.com", "sec-fetch-site": "cross-site" },
    { host: "auth.example.com", origin: "https://evil.example" },
  ])("serves a call and lets no page read the answer: %j", async (headers) => {
    for (const allowed of [[], [app]]) {
      const { ask } = await serve({ allowed });
      const answer = await ask(headers);
      expect(answer.status).toBe(200);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });
});

describe("an allowed origin", () => {
  const preflight = { "access-control-request-method": "POST", origin: app };
  const listOf = (text: string | string[] | undefined) =>
    String(text)
      .split(",")
      .map((name) => name.trim().toLowerCase());

  it.each([true, false])("is answered its preflight, anonymous: %s", async (anonymous) => {
    const { ask } = await serve({ anonymous, allowed: [app] });
    const { status, text, headers } = await ask(preflight, { method: "OPTIONS" });
    expect([status, text]).toEqual([204, ""]);
    expect(headers["access-control-allow-origin"]).toBe(app);
    expect(listOf(headers["access-control-allow-methods"]).sort()).toEqual(["get", "post"]);
    expect(listOf(headers["access-control-allow-headers"])).toEqual(
      expect.arrayContaining([
        "authorization",
        "content-type",
        "connect-protocol-version",
        "connect-timeout-ms",
        "grpc-timeout",
        "x-grpc-web",
        "x-request-id",
        "x-user-agent",
      ]),
    );
    expect(listOf(headers.vary)).toContain("origin");
    expect(Number(headers["access-control-max-age"])).toBeGreaterThan(0);
    expect(headers["access-control-allow-credentials"]).toBeUndefined();
  });

  it("is answered a preflight for a private network", async () => {
    const { ask } = await serve({ allowed: [app] });
    const privately = { ...preflight, "access-control-request-private-network": "true" };
    const { headers } = await ask(privately, { method: "OPTIONS" });
    expect(headers["access-control-allow-private-network"]).toBe("true");
  });

  it.each(["https://evil.example", "null", "http://app.example.com", `${app}:8443`, "", "*"])(
    "is not %j, whose preflight is refused",
    async (origin) => {
      for (const anonymous of [true, false]) {
        const { ask } = await serve({ anonymous, allowed: [app] });
        const { status, headers } = await ask({ ...preflight, origin }, { method: "OPTIONS" });
        expect(status).toBe(403);
        expect(headers["access-control-allow-origin"]).toBeUndefined();
      }
    },
  );

  it.each([
    ["application/json", '{"text":"x"}', 200],
    ["application/json", "{", 400],
    ["application/grpc-web+proto", "\0\0\0\0\0", 200],
    ["application/xml", "", 415],
  ])("may read an answer to %s: %j", async (contentType, body, status) => {
    const { ask } = await serve({ allowed: [app] });
    const answer = await ask({ origin: app, "content-type": contentType }, { body });
    expect(answer.status).toBe(status);
    expect(answer.headers["access-control-allow-origin"]).toBe(app);
    expect(listOf(answer.headers["access-control-expose-headers"])).toEqual(
      expect.arrayContaining(["grpc-status", "grpc-message", "grpc-status-details-bin"]),
    );
    expect(listOf(answer.headers.vary)).toContain("origin");
  });

  it("changes answers to others too, as far as caches are concerned", async () => {
    const { ask } = await serve({ allowed: [app] });
    expect(listOf((await ask()).headers.vary)).toContain("origin");
  });
});

describe("an answer", () => {
  it.each([
    ["a call", { body: '{"text":"x"}' }, 200],
    ["a call that fails", { body: "{" }, 400],
    ["a path that does not exist", { at: "/other" }, 404],
    ["another method", { method: "PUT" }, 405],
  ])("to %s is not stored by caches", async (_what, options, status) => {
    const { ask } = await serve();
    const answer = await ask({}, options);
    expect([answer.status, answer.headers["cache-control"]]).toEqual([status, "no-store"]);
  });

  it.each(["GET", "HEAD"])(
    "to %s of a document may be read by every page and kept by caches",
    async (method) => {
      const { ask } = await serve();
      const origin = "https://evil.example";
      const { headers } = await ask({ origin }, { method, at: documentPath });
      expect([headers["access-control-allow-origin"], headers["cache-control"]]).toEqual([
        "*",
        "public, max-age=300",
      ]);
      const known = await ask(
        { origin, "if-none-match": String(headers.etag) },
        { method, at: documentPath },
      );
      expect([known.status, known.headers["access-control-allow-origin"]]).toEqual([304, "*"]);
    },
  );
});
