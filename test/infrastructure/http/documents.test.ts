import { get as httpGet } from "node:http";
import { describe, expect, it } from "vitest";
import type { HttpDocument } from "../../../src/infrastructure/http/serve-document.ts";
import { serveHttp } from "../../support/echo-server.ts";
import { RawTcp } from "../../support/raw-tcp.ts";

const document: HttpDocument = {
  contentType: "application/jwk-set+json",
  body: '{"keys":[],"of":"Ωmega"}',
  maxAgeSeconds: 300,
};
const path = "/.well-known/jwks.json";

/** Serves a document until the test is over. Answers how to ask for it. */
async function serve(make: () => Promise<HttpDocument> = async () => document) {
  const reported: unknown[][] = [];
  const report = (...about: unknown[]) => void reported.push(about);
  const { address } = await serveHttp({}, { documents: new Map([[path, make]]), report });
  const ask = (headers: Record<string, string> = {}, method = "GET", at = path) =>
    fetch(`http://${address}${at}`, { method, headers });
  const etag = async () => (await ask()).headers.get("etag") ?? expect.fail("there is no entity tag");
  return { address, ask, etag, reported };
}

describe("a document", () => {
  it("is served with its type, its length, how long it may be kept and an entity tag", async () => {
    const { ask } = await serve();
    const response = await ask();
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(document.body);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/jwk-set+json",
      "content-length": String(Buffer.byteLength(document.body)),
      "cache-control": "public, max-age=300",
      etag: expect.stringMatching(/^"[\w-]{22}"$/),
      "x-content-type-options": "nosniff",
    });
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  it("has an entity tag of its content", async () => {
    let body = "a";
    const { etag } = await serve(async () => ({ ...document, body }));
    const first = await etag();
    expect(await etag()).toBe(first);
    body = "b";
    expect(await etag()).not.toBe(first);
  });

  it("is answered to HEAD with the same headers and no body", async () => {
    const { ask } = await serve();
    const [get, head] = [await ask(), await ask({}, "HEAD")];
    const headersOf = ({ headers }: Response) =>
      ["etag", "cache-control", "content-type", "content-length", "x-content-type-options"].map((name) =>
        headers.get(name),
      );
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
    expect(headersOf(head)).toEqual(headersOf(get));
  });

  it.each(["?", "?a=b", "?/../livez", "?%00"])("is served whatever its query is: %s", async (query) => {
    const { ask } = await serve();
    expect(await (await ask({}, "GET", `${path}${query}`)).text()).toBe(document.body);
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("is not there for %s", async (method) => {
    const { ask } = await serve();
    const response = await ask({}, method);
    expect([response.status, response.headers.get("allow"), await response.text()]).toEqual([
      405,
      "GET, HEAD",
      "",
    ]);
  });
});

describe("who has a document already", () => {
  const having: [string, (etag: string) => string][] = [
    ["its tag", (etag) => etag],
    ["its tag as a weak one", (etag) => `W/${etag}`],
    ["its tag among others", (etag) => `"other", W/"x" , ${etag},"z"`],
    ["any", () => "*"],
    ["any, with blanks", () => "  *  "],
  ];

  it.each(having)("is told so by 304: %s", async (_what, tags) => {
    const { ask, etag } = await serve();
    for (const method of ["GET", "HEAD"]) {
      const response = await ask({ "if-none-match": tags(await etag()) }, method);
      expect([response.status, await response.text()]).toEqual([304, ""]);
      expect(response.headers.get("etag")).toBe(await etag());
      expect(response.headers.get("cache-control")).toBe("public, max-age=300");
    }
  });

  const lacking: [string, (etag: string) => string][] = [
    ["another tag", () => '"other"'],
    ["its tag without quotes", (etag) => etag.replaceAll('"', "")],
    ["a part of its tag", (etag) => `${etag.slice(0, -2)}"`],
    [
      "its tag in other letters",
      (etag) => (etag === etag.toUpperCase() ? etag.toLowerCase() : etag.toUpperCase()),
    ],
    ["nothing", () => ""],
    ["commas", () => ",,,"],
  ];

  it.each(lacking)("gets it who has not: %s", async (_what, tags) => {
    const { ask, etag } = await serve();
    const response = await ask({ "if-none-match": tags(await etag()) });
    expect([response.status, await response.text()]).toEqual([200, document.body]);
  });

  it("may say so in several headers", async () => {
    const { address, etag } = await serve();
    const headers = { "if-none-match": ['"a"', await etag()] };
    const [host, port] = address.split(":");
    const status = await new Promise((resolve, reject) => {
      httpGet({ host, port, path, headers: headers as never }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject);
    });
    expect(status).toBe(304);
  });

  it("gets the new one once there is one", async () => {
    let body = "a";
    const { ask, etag } = await serve(async () => ({ ...document, body }));
    const headers = { "if-none-match": await etag() };
    expect((await ask(headers)).status).toBe(304);
    body = "b";
    expect(await (await ask(headers)).text()).toBe("b");
  });
});

it.each([
  "/.well-known/jwks.json/",
  "/.well-known/JWKS.json",
  "/.well-known/",
  "/.well-known/other",
  "//.well-known/jwks.json",
  "/.well-known/%6awks.json",
])("answers another path beside documents as before: %s", async (other) => {
  const { ask } = await serve();
  for (const method of ["GET", "POST"]) {
    const response = await ask({}, method, other);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "unimplemented", message: `no ${other}` });
  }
});

it("answers probes and calls beside documents as before", async () => {
  const { address, ask } = await serve();
  expect(await (await ask({}, "GET", "/livez")).text()).toBe("ok\n");
  const say = await fetch(`http://${address}/echo.v1.EchoService/Say`, {
    method: "POST",
    body: '{"text":"x"}',
    headers: { "content-type": "application/json" },
  });
  expect(await say.json()).toEqual({ text: "x" });
});

describe("a document that cannot be made", () => {
  it("is an internal error that is reported, and the next is served", async () => {
    let broken = true;
    const failure = new Error("secret of the database");
    const { ask, reported } = await serve(async () => {
      if (broken) throw failure;
      return document;
    });
    const response = await ask();
    expect([response.status, await response.json()]).toEqual([
      500,
      { code: "internal", message: "internal error" },
    ]);
    expect(reported).toEqual([[failure, path]]);
    broken = false;
    expect((await ask()).status).toBe(200);
  });

  it("in time for a caller that has gone harms nobody", async () => {
    const { promise, resolve } = Promise.withResolvers<HttpDocument>();
    const { address, ask, reported } = await serve(() => promise);
    const raw = new RawTcp(address);
    raw.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await new Promise((wait) => setTimeout(wait, 50));
    raw.socket.destroy();
    await new Promise((wait) => setTimeout(wait, 50));
    resolve(document);
    expect((await ask()).status).toBe(200);
    expect(reported).toEqual([]);
  });
});
