import { once } from "node:events";
import { get } from "node:https";
import { connect } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { credentials, status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadTlsFiles } from "../../src/infrastructure/tls/tls-files.ts";
import { serveGrpc, serveHttp } from "../support/echo-server.ts";
import { GrpcJsClient } from "../support/grpc-js-client.ts";
import { RawHttp2 } from "../support/raw-http2.ts";
import { type Pair, PairFolder, selfSigned } from "../support/self-signed.ts";
import { timed, until } from "../support/wait.ts";

async function tlsFrom(folder: PairFolder) {
  const tls = await loadTlsFiles({ certFile: folder.certFile, keyFile: folder.keyFile, intervalMs: 20 });
  onTestFinished(() => tls.close());
  return tls;
}

const ports = [
  ["gRPC", serveGrpc, "h2"],
  ["HTTP", serveHttp, "http/1.1"],
] as const;

/** A handshake with the port, and what came of it. */
async function handshake(address: string, alpn: string, options: object = {}): Promise<TLSSocket> {
  const [host, port] = address.split(":");
  const socket = connectTls({
    host,
    port: Number(port),
    ALPNProtocols: [alpn],
    rejectUnauthorized: false,
    ...options,
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

async function nameOn(address: string, alpn: string): Promise<string> {
  const socket = await handshake(address, alpn);
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return String(name);
}

describe.each(ports)("the %s port with TLS", (_name, serve, alpn) => {
  it("speaks TLS 1.2 and 1.3 and nothing older", async () => {
    const { address } = await serve({}, { tls: await tlsFrom(new PairFolder(selfSigned("one"))) });
    for (const version of ["TLSv1.2", "TLSv1.3"]) {
      const socket = await handshake(address, alpn, { minVersion: version, maxVersion: version });
      expect(socket.getProtocol()).toBe(version);
      expect(socket.alpnProtocol).toBe(alpn);
    }
    for (const version of ["TLSv1", "TLSv1.1"]) {
      const old = { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" };
      await expect(handshake(address, alpn, old)).rejects.toThrow(/version|protocol/i);
    }
  });

  it("shows a new certificate to new connections", async () => {
    const folder = new PairFolder(selfSigned("one"));
    const { address } = await serve({}, { tls: await tlsFrom(folder) });
    expect(await nameOn(address, alpn)).toBe("one");
    folder.rename(selfSigned("two"));
    let name = "";
    for (let i = 0; i < 100 && name !== "two"; i++) {
      name = await nameOn(address, alpn);
    }
    expect(name).toBe("two");
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
    await expect(handshake(address, alpn, old)).rejects.toThrow();
  });

  it("survives what is no TLS, and drains without waiting for it", async () => {
    const listener = await serve({}, { tls: await tlsFrom(new PairFolder(selfSigned("one"))) });
    const [host, port] = listener.address.split(":");
    for (const bytes of ["", "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01"]) {
      const socket = connect(Number(port), host).on("error", () => {});
      socket.write(bytes);
      await once(socket, "connect");
    }
    expect(await nameOn(listener.address, alpn)).toBe("one");
    const { ms } = await timed(() => listener.drain(300));
    expect(ms).toBeLessThan(1_000);
  });
});

it("serves gRPC calls, and goes on with a connection whose certificate was renewed", async () => {
  const [one, two] = [selfSigned("one"), selfSigned("two")];
  const folder = new PairFolder(one);
  const { address } = await serveGrpc({}, { tls: await tlsFrom(folder) });
  const trusting = (pair: Pair) => new GrpcJsClient(address, credentials.createSsl(Buffer.from(pair.cert)));
  const before = trusting(one);
  expect((await before.say("x")).texts).toEqual(["x"]);
  folder.write(two);
  let after: string[] = [];
  for (let i = 0; i < 50 && after.length === 0; i++) {
    after = (await trusting(two).say("y", { deadline: Date.now() + 200 })).texts;
  }
  expect(after).toEqual(["y"]);
  expect((await before.say("still")).texts).toEqual(["still"]);
  expect((await trusting(one).say("z")).status.code).toBe(status.UNAVAILABLE);
});

it("drains gRPC calls on TLS connections", async () => {
  const { cert, key } = selfSigned("one");
  let finish: () => void = () => {};
  const listener = await serveGrpc(
    {
      say: ({ text }) =>
        new Promise((resolve) => {
          finish = () => resolve({ text });
        }),
    },
    { tls: await tlsFrom(new PairFolder({ cert, key })) },
  );
  const call = new RawHttp2(`https://${listener.address}`, { ca: cert }).say("x");
  const idle = new RawHttp2(`https://${listener.address}`, { ca: cert });
  await once(idle.session, "connect");
  await new Promise((resolve) => setTimeout(resolve, 100));
  const draining = timed(() => listener.drain(5_000));
  await once(idle.session, "close");
  finish();
  expect((await call).trailers["grpc-status"]).toBe("0");
  expect((await draining).ms).toBeLessThan(2_000);
});

it("serves HTTP requests", async () => {
  const { cert, key } = selfSigned("one");
  const { address } = await serveHttp({}, { tls: await tlsFrom(new PairFolder({ cert, key })) });
  const [response] = await once(get(`https://${address}/livez`, { ca: cert }), "response");
  expect(response.statusCode).toBe(200);
  response.resume();
  await until(() => response.complete);
});
