import { request as requestHttp } from "node:http";
import { connect } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect as connectTcp, createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Config } from "../../config/config.ts";
import { bind, ListenError } from "../../infrastructure/sockets/listen.ts";
import { findSocket, socketPathOf } from "../../infrastructure/sockets/unix-socket.ts";
import { type Check, failed, ok } from "./finding.ts";

/** Checks that the service can listen on its addresses, or already does. */
export function addressChecks({ grpcAddress, httpAddress, tls }: Config): Check[] {
  const secure = tls !== undefined;
  return [
    addressCheck("gRPC address", "AUTH_GRPC_ADDRESS", grpcAddress, () => answersGrpc(grpcAddress, secure)),
    addressCheck("HTTP address", "AUTH_HTTP_ADDRESS", httpAddress, () => answersHttp(httpAddress, secure)),
  ];
}

function addressCheck(name: string, setting: string, address: string, isOurs: () => Promise<boolean>): Check {
  return {
    name,
    async run() {
      try {
        const path = socketPathOf(address);
        if (path !== undefined && (await findSocket(path).catch(() => undefined)) === "stale") {
          return ok(`${address} is a stale socket; the next start replaces it.`);
        }
        const { servers } = await bind(address, createServer);
        await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
        return ok(`${address} is free.`);
      } catch (error) {
        if (!(error instanceof ListenError)) throw error;
        if (!isTaken(error))
          return failed(`The service ${error.message}: set ${setting} to another address.`);
        return (await isOurs())
          ? ok(`A service answers on ${address}.`)
          : failed(`${address} is in use by another program: stop it, or set ${setting} to another address.`);
      }
    },
  };
}

function isTaken({ cause }: ListenError): boolean {
  return (cause as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";
}

const timeoutMs = 2_000;

/**
 * Certificates are not verified: the requests contain nothing secret, and certificates name the service, not this
 * machine.
 */
const anyCertificate = { rejectUnauthorized: false };

/** Whether /livez answers like the service's own. */
function answersHttp(address: string, secure: boolean): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const request = (secure ? requestHttps : requestHttp)(
    `${urlOf(address, secure)}/livez`,
    { ...anyCertificate, timeout: timeoutMs, socketPath: socketPathOf(address) },
    (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    },
  );
  request.on("timeout", () => request.destroy(new Error("it does not answer")));
  request.on("error", () => resolve(false));
  request.end();
  return promise;
}

/** Whether the gRPC health service answers, with any status. */
async function answersGrpc(address: string, secure: boolean): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const path = socketPathOf(address);
  const session = connect(urlOf(address, secure), {
    ...anyCertificate,
    ...(path === undefined ? {} : { createConnection: () => connectToSocket(path, secure) }),
  });
  session.on("error", () => resolve(false));
  const stream = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Check",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => resolve(false));
  stream.on("response", (headers) =>
    resolve(headers["content-type"]?.startsWith("application/grpc") ?? false),
  );
  stream.end(Buffer.alloc(5));
  const timer = setTimeout(() => resolve(false), timeoutMs);
  const answers = await promise;
  clearTimeout(timer);
  session.destroy();
  return answers;
}

function connectToSocket(path: string, secure: boolean) {
  return secure ? connectTls({ path, ALPNProtocols: ["h2"], ...anyCertificate }) : connectTcp(path);
}

/** The URL of a listener. A listener on all addresses is reached on loopback. */
function urlOf(address: string, secure: boolean): string {
  if (socketPathOf(address) !== undefined) return `http${secure ? "s" : ""}://localhost`;
  const reachable = address.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
  return `http${secure ? "s" : ""}://${reachable}`;
}
