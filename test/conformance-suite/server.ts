/**
 * The server under test: reads a ServerCompatRequest from stdin, serves the ConformanceService on the product's own
 * listener with the product's own interceptors and TLS files, and writes a ServerCompatResponse to stdout.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, createRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { listenGrpc } from "../../src/infrastructure/grpc/listen-grpc.ts";
import { listenHttp } from "../../src/infrastructure/http/listen-http.ts";
import { loadTlsFiles, type TlsFiles } from "../../src/infrastructure/tls/tls-files.ts";
import { unknownMethod } from "../../src/interfaces/rpc/errors.ts";
import { createAdmission } from "../../src/interfaces/rpc/interceptors/authorize.ts";
import { logCalls } from "../../src/interfaces/rpc/interceptors/log-calls.ts";
import { validateRequests } from "../../src/interfaces/rpc/interceptors/validate.ts";
import { contextOf } from "../../src/interfaces/rpc/rpc-call.ts";
import { Protocol } from "../gen/connectrpc/conformance/v1/config_pb.ts";
import {
  type ServerCompatRequest,
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "../gen/connectrpc/conformance/v1/server_compat_pb.ts";
import {
  ConformanceService,
  file_connectrpc_conformance_v1_service,
} from "../gen/connectrpc/conformance/v1/service_pb.ts";
import { InMemoryRepository } from "../support/in-memory-repository.ts";
import { servicesOn } from "../support/services.ts";
import { conformanceHandlers, maxTimeoutMs } from "./handlers.ts";
import { originalErrors } from "./original-errors.ts";

async function serve(request: ServerCompatRequest, tls: TlsFiles | undefined): Promise<string> {
  const { callers } = servicesOn(new InMemoryRepository());
  const permissions = new Map(ConformanceService.methods.map((method) => [method, "users.get" as const]));
  const { admit, authorize } = createAdmission(callers, permissions);
  const log = { info: ignore, warn: ignore, error: ignore };
  const listen = {
    address: "127.0.0.1:0",
    routes: (router: ConnectRouter) => router.service(ConformanceService, conformanceHandlers),
    interceptors: [originalErrors, logCalls(log), authorize, validateRequests],
    contextOf,
    admit,
    unknownMethod,
    tls,
    options: { maxMessageBytes: request.messageReceiveLimit, maxTimeoutMs },
  };
  if (request.protocol === Protocol.GRPC) return (await listenGrpc(listen)).address;
  const live = () => true;
  const registry = createRegistry(file_connectrpc_conformance_v1_service);
  return (await listenHttp({ ...listen, registry, live, ready: live })).address;
}

async function tlsFilesOf({ useTls, serverCreds, clientTlsCert }: ServerCompatRequest) {
  if (!useTls || serverCreds === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "auth-conformance-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, content: Uint8Array) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  return loadTlsFiles({
    certFile: write("tls.crt", serverCreds.cert),
    keyFile: write("tls.key", serverCreds.key),
    trustBundles: new Map(
      clientTlsCert.length === 0 ? [] : [["conformance.test", write("clients.crt", clientTlsCert)]],
    ),
  });
}

/** Messages on stdin and stdout have their length before them, in four bytes. */
async function readRequest(): Promise<ServerCompatRequest> {
  let received = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 4 && received.length >= 4 + received.readUInt32BE()) break;
  }
  return fromBinary(ServerCompatRequestSchema, received.subarray(4, 4 + received.readUInt32BE()));
}

function writeResponse(port: number, pemCert: Uint8Array | undefined): void {
  const response = create(ServerCompatResponseSchema, {
    host: "127.0.0.1",
    port,
    ...(pemCert === undefined ? {} : { pemCert }),
  });
  const bytes = toBinary(ServerCompatResponseSchema, response);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  process.stdout.write(Buffer.concat([length, bytes]));
}

function ignore(): void {}

process.once("SIGTERM", () => process.exit(0));
const request = await readRequest();
const address = await serve(request, await tlsFilesOf(request));
writeResponse(Number(address.slice(address.lastIndexOf(":") + 1)), request.serverCreds?.cert);
