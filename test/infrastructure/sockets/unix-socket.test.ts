import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { createContextValues } from "@connectrpc/connect";
import { describe, expect, it, onTestFinished } from "vitest";
import { isLoopback, nonLoopbackAddresses } from "../../../src/config/loopback.ts";
import type { Peer } from "../../../src/domain/caller/peer.ts";
import { bind, ListenError } from "../../../src/infrastructure/sockets/listen.ts";
import { findSocket, longestSocketPath } from "../../../src/infrastructure/sockets/unix-socket.ts";
import { serveGrpc, serveHttp } from "../../support/echo-server.ts";
import { GrpcJsClient } from "../../support/grpc-js-client.ts";
import { temporaryFolder } from "../../support/service.ts";
import { never, timed } from "../../support/wait.ts";

async function folder() {
  const { path, ...rest } = await temporaryFolder();
  onTestFinished(() => rest[Symbol.asyncDispose]());
  return path;
}

async function bound(path: string, open: () => Server = createServer) {
  const result = await bind(`unix:${path}`, open);
  onTestFinished(() => {
    for (const server of result.servers) server.close();
  });
  return result;
}

const closed = ({ servers }: { servers: readonly Server[] }) =>
  Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));

/** Leaves a socket without a server, as a process does that is killed. */
async function leaveStale(path: string): Promise<void> {
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "close");
  expect(statSync(path).isSocket()).toBe(true);
}

describe("a socket", () => {
  it.each([0o000, 0o022, 0o077])("has mode 0660 whatever the umask is: %o", async (umask) => {
    const before = process.umask(umask);
    onTestFinished(() => void process.umask(before));
    const path = join(await folder(), "a.sock");
    const { address } = await bound(path);
    expect(address).toBe(`unix:${path}`);
    expect(statSync(path).mode & 0o7777).toBe(0o660);
    expect(process.umask()).toBe(umask);
  });

  it("is removed with its server, and nothing else is left", async () => {
    const path = await folder();
    await closed(await bound(join(path, "a.sock")));
    expect(readdirSync(path)).toEqual([]);
  });

  it("whose server was killed is replaced", async () => {
    const path = join(await folder(), "a.sock");
    await leaveStale(path);
    expect(await findSocket(path)).toBe("stale");
    await bound(path);
    expect(await findSocket(path)).toBe("live");
    expect(statSync(path).mode & 0o7777).toBe(0o660);
  });

  it("with a live server is refused, and goes on", async () => {
    const path = join(await folder(), "a.sock");
    const first = await bound(path);
    await expect(bound(path)).rejects.toThrow(
      new ListenError(`unix:${path}`, "address already in use").message,
    );
    expect(await findSocket(path)).toBe("live");
    await closed(first);
    await bound(path);
  });

  it("may have a path of 107 bytes and not of one more, in any script", async () => {
    const path = await folder();
    const named = (bytes: number, letter: string) => {
      const left = bytes - Buffer.byteLength(`${path}/`);
      const wide = Math.floor(left / Buffer.byteLength(letter));
      return `${path}/${letter.repeat(wide)}${"x".repeat(left - wide * Buffer.byteLength(letter))}`;
    };
    for (const letter of ["x", "ö"]) {
      await bound(named(longestSocketPath, letter));
      await expect(bound(named(longestSocketPath + 1, letter))).rejects.toThrow(
        /^cannot listen on unix:.*: the path is longer than 107 bytes$/,
      );
    }
  });

  it.each<[string, (path: string) => void, string]>([
    ["a file", (path) => writeFileSync(path, "precious"), "is not a socket"],
    ["a folder", (path) => mkdirSync(path), "is not a socket"],
    ["a symbolic link", (path) => symlinkSync("/dev/null", path), "is not a socket"],
  ])("does not replace %s", async (_what, make, why) => {
    const path = join(await folder(), "a.sock");
    make(path);
    await expect(bound(path)).rejects.toThrow(why);
    expect(existsSync(path)).toBe(true);
  });

  it.each<[string, (path: string) => void, string]>([
    ["a folder that does not exist", () => {}, "no such folder"],
    ["a file for a folder", (path) => writeFileSync(path, ""), "the parent of this path is not a folder"],
  ])("needs a folder: %s", async (_what, make, why) => {
    const path = join(await folder(), "run");
    make(path);
    await expect(bound(join(path, "a.sock"))).rejects.toThrow(`cannot listen on unix:${path}/a.sock: ${why}`);
  });

  it.runIf(process.getuid?.() !== 0)("needs a folder that it may write to", async () => {
    const path = await folder();
    chmodSync(path, 0o500);
    await expect(bound(join(path, "a.sock"))).rejects.toThrow("permission denied");
  });
});

it.each(["unix:/run/auth.sock", "unix:///run/auth.sock"])("%s counts as loopback", (address) => {
  expect(isLoopback(address)).toBe(true);
  expect(nonLoopbackAddresses({ AUTH_GRPC_ADDRESS: address, AUTH_HTTP_ADDRESS: address })).toEqual([]);
});

it.each(["unix:80", "unix:", "0.0.0.0:80", "unix.example:80"])("%s does not", (address) => {
  expect(isLoopback(address)).toBe(false);
});

describe("on a socket", () => {
  const noted = () => {
    const peers: Peer[] = [];
    const contextOf = (peer: Peer) => {
      peers.push(peer);
      return createContextValues();
    };
    return { peers, contextOf };
  };

  it("gRPC is served, to a peer without an address", async () => {
    const { peers, contextOf } = noted();
    const path = join(await folder(), "grpc.sock");
    const listener = await serveGrpc({}, { address: `unix:${path}`, contextOf });
    expect((await new GrpcJsClient(`unix:${path}`).say("x")).texts).toEqual(["x"]);
    expect(peers).toEqual([{ address: "", certificate: undefined }]);
    const { ms } = await timed(() => listener.drain(5_000));
    expect(ms).toBeLessThan(1_000);
    expect(existsSync(path)).toBe(false);
  });

  it("HTTP is served, to a peer without an address, and each connection is drained", async () => {
    const { peers, contextOf } = noted();
    const path = join(await folder(), "http.sock");
    const say = ({ text }: { text: string }) => (text === "hang" ? never() : { text });
    const listener = await serveHttp({ say }, { address: `unix:${path}`, contextOf });
    const call = async (text: string) => {
      const post = request({
        socketPath: path,
        path: "/echo.v1.EchoService/Say",
        method: "POST",
        headers: { host: "whatever.example", "content-type": "application/json" },
      });
      post.end(JSON.stringify({ text }));
      const [response] = await once(post, "response");
      response.setEncoding("utf8");
      let body = "";
      for await (const chunk of response) body += chunk;
      return body;
    };
    expect(await Promise.all(["a", "b", "c"].map(call))).toEqual(
      ["a", "b", "c"].map((text) => `{"text":"${text}"}`),
    );
    expect(peers[0]).toEqual({ address: "", certificate: undefined });
    const hanging = ["hang", "hang"].map((text) => call(text).catch(() => "cut off"));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { ms } = await timed(() => listener.drain(500));
    expect(ms).toBeGreaterThan(450);
    expect(ms).toBeLessThan(1_500);
    expect(await Promise.all(hanging)).toEqual(["cut off", "cut off"]);
    expect(existsSync(path)).toBe(false);
  });

  it("any host is served with AUTH_CALLERS=anyone, as no browser can connect, but no foreign origin", async () => {
    const path = join(await folder(), "http.sock");
    const refusal = () => {
      throw new Error("refused");
    };
    const crossOrigin = { allowedOrigins: new Set<string>(), anonymous: true, refusal: refusal as never };
    await serveHttp({}, { address: `unix:${path}`, crossOrigin });
    const post = request({
      socketPath: path,
      path: "/echo.v1.EchoService/Say",
      method: "POST",
      headers: { host: "whatever.example", "content-type": "application/json" },
    });
    post.end('{"text":"x"}');
    const [response] = await once(post, "response");
    expect(response.statusCode).toBe(200);
    response.resume();
  });
});
