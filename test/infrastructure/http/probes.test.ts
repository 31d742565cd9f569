import { expect, it } from "vitest";
import { serveHttp } from "../../support/echo-server.ts";

it("answers /livez and /readyz with what is so now", async () => {
  let ready = false;
  const { address } = await serveHttp({}, { ready: () => ready });
  const get = async (path: string) => {
    const response = await fetch(`http://${address}${path}`);
    return [response.status, await response.text(), response.headers.get("content-type")];
  };
  const text = "text/plain; charset=utf-8";
  expect(await get("/livez")).toEqual([200, "ok\n", text]);
  expect(await get("/readyz")).toEqual([503, "not ready\n", text]);
  ready = true;
  expect(await get("/readyz?verbose")).toEqual([200, "ok\n", text]);
});

it("tells in /readyz what an operator must know, ready or not", async () => {
  let ready = true;
  const { address } = await serveHttp({}, { ready: () => ready, warnings: () => ["one thing", "another"] });
  const get = async (path: string) => (await fetch(`http://${address}${path}`)).text();
  expect(await get("/readyz")).toBe("ok\nwarning: one thing\nwarning: another\n");
  ready = false;
  expect(await get("/readyz")).toBe("not ready\nwarning: one thing\nwarning: another\n");
  expect(await get("/livez")).toBe("ok\n");
});

it("answers HEAD without a body, and nothing but GET and HEAD", async () => {
  const { address } = await serveHttp();
  const head = await fetch(`http://${address}/livez`, { method: "HEAD" });
  expect([head.status, await head.text(), head.headers.get("content-length")]).toEqual([200, "", "3"]);
  const post = await fetch(`http://${address}/readyz`, { method: "POST", body: "x" });
  expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

it.each([
  "/",
  "/livez/",
  "/LIVEZ",
  "/echo.v1.EchoService/Shout",
  "/echo.v1.EchoService/Say/",
  "/%",
  "//livez",
])("answers another path with an error as Connect has it: %s", async (path) => {
  const { address } = await serveHttp();
  for (const method of ["GET", "POST"]) {
    const response = await fetch(`http://${address}${path}`, { method });
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toMatchObject({
      code: "unimplemented",
      message: `no ${path}`,
      details: [{ type: "google.rpc.ErrorInfo", debug: { reason: "METHOD_NOT_FOUND", domain: "auth" } }],
    });
  }
});
