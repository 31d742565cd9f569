import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, Agent as TlsAgent } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { createContextValues } from "@connectrpc/connect";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Peer } from "../../../src/domain/caller/peer.ts";
import type { CloseReason } from "../../../src/infrastructure/sockets/open-connections.ts";
import { loadTlsFiles } from "../../../src/infrastructure/tls/tls-files.ts";
import { Authority } from "../../support/authority.ts";
import { type EchoHandlers, serveGrpc, serveHttp } from "../../support/echo-server.ts";
import { RawHttp2 } from "../../support/raw-http2.ts";
import { RawTcp } from "../../support/raw-tcp.ts";
import { type Pair, PairFolder } from "../../support/self-signed.ts";
import { never, timed, until } from "../../support/wait.ts";

const servers = new Authority("servers");
const clients = new Authority("clients");
const others = new Authority("others");
const caller = (authority: Authority, changes: object = {}) =>
  authority.issue({ commonName: "caller", uris: ["spiffe://prod.example/web"], ...changes });

/** Serves the EchoService with mutual TLS, and notes which connections are closed and who calls. */
async function serve(port: "gRPC" | "HTTP", handlers: EchoHandlers = {}, options: object = {}) {
  const folder = new PairFolder(servers.issue({ commonName: "localhost", dnsNames: ["localhost"] }));
  const clientCaFile = join(folder.path, "clients.pem");
  const trust = (...authorities: Authority[]) =>
    writeFileSync(clientCaFile, authorities.map(({ pair }) => pair.cert).join(""));
  trust(clients, others);
  const reloads: unknown[] = [];
  const tls = await loadTlsFiles({
    certFile: folder.certFile,
    keyFile: folder.keyFile,
    trustBundles: new Map([["prod.example", clientCaFile]]),
    intervalMs: 20,
    onReload: (outcome) => reloads.push(outcome),
  });
  onTestFinished(() => tls.close());
  const closed: CloseReason[] = [];
  const peers: Peer[] = [];
  const listener = await (port === "gRPC" ? serveGrpc : serveHttp)(handlers, {
    tls,
    onClose: ({ reason }) => closed.push(reason),
    contextOf: (peer) => {
      peers.push(peer);
      return createContextValues();
    },
    options: { maxTimeoutMs: 20_000, ...options },
  });
  const address = listener.address.replace("127.0.0.1", "localhost");
  return { address, folder, trust, closed, peers, reloads };
}

/** A client of one connection. */
interface Connected {
  call(): Promise<void>;
  readonly closed: Promise<unknown>;
}

async function connectGrpc(address: string, pair?: Pair): Promise<Connected> {
  const raw = new RawHttp2(`https://${address}`, { ca: servers.pair.cert, ...pair });
  const closed = once(raw.session, "close");
  await once(raw.session, "connect");
  return {
    closed,
    async call() {
      expect((await raw.say("x")).trailers["grpc-status"]).toBe("0");
    },
  };
}

async function connectHttp(address: string, pair?: Pair): Promise<Connected> {
  const agent = new TlsAgent({ keepAlive: true, maxSockets: 1, ca: servers.pair.cert, ...pair });
  onTestFinished(() => agent.destroy());
  const closed = Promise.withResolvers<void>();
  const call = async () => {
    const request = httpsRequest(`https://${address}/echo.v1.EchoService/Say`, {
      agent,
      method: "POST",
      headers: { "content-type": "application/json" },
    });
    request.once("socket", (socket) => socket.once("close", () => closed.resolve()));
    request.end('{"text":"x"}');
    const [response] = (await once(request, "response")) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    await once(response, "end");
  };
  await call();
  return { call, closed: closed.promise };
}

describe.each([
  ["gRPC", connectGrpc],
  ["HTTP", connectHttp],
] as const)("on the %s port", (port, connect) => {
  const isOpen = (connection: Connected) =>
    Promise.race([connection.closed.then(() => false), sleep(300, true)]);

  it("an idle connection is closed once its authority is removed, and others stay", async () => {
    const { address, trust, closed } = await serve(port);
    const removed = await connect(address, caller(clients));
    const kept = await connect(address, caller(others));
    const without = await connect(address);
    const strange = await connect(address, caller(new Authority("strange")));
    for (const each of [removed, kept, without, strange]) await each.call();
    trust(others);
    const { ms } = await timed(() => removed.closed);
    expect(ms).toBeLessThan(2_000);
    expect(closed).toEqual(["certificate no longer trusted"]);
    for (const each of [kept, without, strange]) {
      expect(await isOpen(each)).toBe(true);
      await each.call();
    }
  });

  it("a connection that has sent nothing yet is closed too", async () => {
    const { address, trust } = await serve(port);
    const [host, tcpPort] = address.split(":");
    const ALPNProtocols = [port === "gRPC" ? "h2" : "http/1.1"];
    const ca = servers.pair.cert;
    const socket = connectTls({ host, port: Number(tcpPort), ca, ALPNProtocols, ...caller(clients) });
    onTestFinished(() => void socket.destroy());
    await once(socket, "secureConnect");
    socket.resume();
    await sleep(50);
    trust(others);
    const { ms } = await timed(() => once(socket, "close"));
    expect(ms).toBeLessThan(2_000);
  });

  it("an answer in flight is sent first", async () => {
    const begun = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const say: EchoHandlers["say"] = async ({ text }) => {
      begun.resolve();
      await finish.promise;
      return { text };
    };
    const { address, trust, closed } = await serve(port, { say });
    const connecting = connect(address, caller(clients));
    const call = port === "gRPC" ? (await connecting).call() : connecting;
    await begun.promise;
    trust(others);
    await until(() => closed.length === 1);
    await sleep(50);
    finish.resolve();
    await call;
    const { ms } = await timed(async () => (await connecting).closed);
    expect(ms).toBeLessThan(2_000);
  });

  it("a request that does not end is cut off after the grace", async () => {
    const { address, trust } = await serve(port, { say: () => never() }, { maxConnectionAgeGraceMs: 300 });
    const raw =
      port === "gRPC"
        ? (await connect(address, caller(clients))).call()
        : connect(address, caller(clients)).then(() => {});
    const cut = raw.then(
      () => "answered",
      () => "cut off",
    );
    await sleep(200);
    trust(others);
    const { result, ms } = await timed(() => cut);
    expect(result).toBe("cut off");
    expect(ms).toBeLessThan(2_000);
  });

  it("a connection is closed when its certificate expires", async () => {
    const { address, closed } = await serve(port);
    // X.509 counts in seconds.
    const connection = await connect(address, caller(clients, { endsIn: 2_900 }));
    const { ms } = await timed(() => connection.closed);
    expect(ms).toBeGreaterThan(500);
    expect(ms).toBeLessThan(4_000);
    expect(closed).toEqual(["certificate expired"]);
  });

  it("calls of a removed authority see a certificate with a fault", async () => {
    const say: EchoHandlers["say"] = () => never();
    const { address, trust, peers, closed } = await serve(port, { say });
    void connect(address, caller(clients))
      .then((connection) => connection.call())
      .catch(() => {});
    await until(() => peers.length === 1);
    expect(peers[0]?.certificate?.fault).toBeUndefined();
    trust(others);
    await until(() => closed.length === 1);
    expect(peers[0]?.certificate?.fault).toMatch(/its CA is no longer in the bundle of prod\.example/);
  });

  it("a new server certificate, or a bundle that holds the authority still, closes nothing", async () => {
    const { address, trust, closed, folder, reloads } = await serve(port);
    const connection = await connect(address, caller(clients));
    folder.write(servers.issue({ commonName: "localhost", dnsNames: ["localhost"], endsIn: 7_200_000 }));
    await until(() => reloads.length > 0);
    trust(new Authority("new"), clients);
    const before = reloads.length;
    await until(() => reloads.length > before);
    expect(await isOpen(connection)).toBe(true);
    await connection.call();
    expect(closed).toEqual([]);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "a %s session is not resumed, because that would skip the verification",
    async (version) => {
      const { address } = await serve(port);
      const [host, tcpPort] = address.split(":");
      const handshake = async (session?: Buffer) => {
        const socket: TLSSocket = connectTls({
          host,
          port: Number(tcpPort),
          ca: servers.pair.cert,
          ALPNProtocols: [port === "gRPC" ? "h2" : "http/1.1"],
          minVersion: version,
          maxVersion: version,
          session,
          ...caller(clients),
        });
        onTestFinished(() => void socket.destroy());
        let ticket = undefined as Buffer | undefined;
        socket.on("session", (given) => {
          ticket = given;
        });
        await once(socket, "secureConnect");
        await sleep(100);
        return { ticket: ticket ?? socket.getSession(), isResumed: socket.isSessionReused() };
      };
      const { ticket } = await handshake();
      expect((await handshake(ticket)).isResumed).toBe(false);
    },
  );
});

describe("an HTTP connection of its maximum age", () => {
  const options = { maxConnectionAgeMs: 400, maxConnectionAgeGraceMs: 2_000 };
  const oldest = options.maxConnectionAgeMs * 1.1 + 400;
  const json = "Content-Type: application/json\r\n";

  it("is closed if it is unused", async () => {
    const raw = new RawTcp((await serveHttp({}, { options })).address);
    const { ms } = await timed(() => raw.closed());
    expect(ms).toBeGreaterThan(options.maxConnectionAgeMs * 0.9 - 50);
    expect(ms).toBeLessThan(oldest);
  });

  it("is closed if it is idle", async () => {
    const old = { ...options, maxConnectionAgeMs: 1_500 };
    const raw = new RawTcp((await serveHttp({}, { options: old })).address);
    raw.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    const { ms } = await timed(() => raw.closed());
    expect(ms).toBeGreaterThan(1_300);
    expect(ms).toBeLessThan(2_100);
  });

  it("is closed after the answer that is in flight, which says so", async () => {
    const { address } = await serveHttp({ say: ({ text }) => sleep(800, { text }) }, { options });
    const raw = new RawTcp(address);
    raw.write(`POST /echo.v1.EchoService/Say HTTP/1.1\r\nHost: x\r\n${json}Content-Length: 12\r\n\r\n`);
    raw.write('{"text":"x"}');
    const answer = await raw.closed();
    expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
    expect(answer).toMatch(/connection: close/i);
    expect(answer).toContain('{"text":"x"}');
  });

  it("is closed after a stream whose headers are sent already", async () => {
    const repeat: EchoHandlers["repeat"] = async function* ({ text }) {
      yield { text };
      await sleep(800);
      yield { text };
    };
    const { address } = await serveHttp({ repeat }, { options });
    const raw = new RawTcp(address);
    raw.write("POST /echo.v1.EchoService/Repeat HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n");
    raw.write('Content-Type: application/connect+json\r\n\r\n\x00\x00\x00\x00\x0c{"text":"x"}');
    const { result, ms } = await timed(() => raw.closed());
    expect(result.match(/\{"text":"x"\}/g)).toHaveLength(2);
    expect(ms).toBeLessThan(1_800);
  });

  it("answers a request that has begun to arrive", async () => {
    const raw = new RawTcp((await serveHttp({}, { options })).address);
    raw.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    await raw.until("ok\n");
    await sleep(250);
    raw.write(`POST /echo.v1.EchoService/Say HTTP/1.1\r\nHost: x\r\n${json}`);
    await sleep(1_600);
    raw.write('Content-Length: 12\r\n\r\n{"text":"x"}');
    const answer = await raw.closed();
    expect(answer).toContain('{"text":"x"}');
    expect(answer).toMatch(/connection: close/i);
  });

  it("is cut off after the grace", async () => {
    const short = { ...options, maxConnectionAgeGraceMs: 200 };
    const { address } = await serveHttp({ say: () => never() }, { options: short });
    const raw = new RawTcp(address);
    raw.write(`POST /echo.v1.EchoService/Say HTTP/1.1\r\nHost: x\r\n${json}Content-Length: 2\r\n\r\n{}`);
    const { ms } = await timed(() => raw.closed());
    expect(ms).toBeLessThan(oldest + 400);
  });

  it("is not the age of all connections at once", async () => {
    const { address } = await serveHttp({}, { options: { ...options, maxConnectionAgeMs: 1_000 } });
    const ages = await Promise.all(
      Array.from({ length: 30 }, () => timed(() => new RawTcp(address).closed())),
    );
    const spread = Math.max(...ages.map(({ ms }) => ms)) - Math.min(...ages.map(({ ms }) => ms));
    expect(spread).toBeGreaterThan(60);
  });

  it("loses no request of a busy pool", async () => {
    const { address } = await serveHttp({}, { options: { ...options, maxConnectionAgeMs: 200 } });
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    onTestFinished(() => agent.destroy());
    const ports = new Set<number | undefined>();
    const call = async () => {
      const request = httpRequest(`http://${address}/livez`, { agent });
      request.end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      ports.add(response.socket.localPort);
      response.resume();
      await once(response, "end");
      return response.statusCode;
    };
    const endsAt = performance.now() + 1_500;
    const workers = Array.from({ length: 4 }, async () => {
      while (performance.now() < endsAt) expect(await call()).toBe(200);
    });
    await Promise.all(workers);
    expect(ports.size).toBeGreaterThan(8);
  });
});
