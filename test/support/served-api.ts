import { connect } from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { onTestFinished } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import { listenGrpc } from "../../src/infrastructure/grpc/listen-grpc.ts";
import { listenHttp } from "../../src/infrastructure/http/listen-http.ts";
import { unknownMethod } from "../../src/interfaces/rpc/errors.ts";
import { createAdmission } from "../../src/interfaces/rpc/interceptors/authorize.ts";
import { logCalls } from "../../src/interfaces/rpc/interceptors/log-calls.ts";
import { validateRequests } from "../../src/interfaces/rpc/interceptors/validate.ts";
import { createRoutes, permissionsOfMethods } from "../../src/interfaces/rpc/routes.ts";
import { contextOf } from "../../src/interfaces/rpc/rpc-call.ts";
import { InMemoryRepository } from "./in-memory-repository.ts";
import type { LogLine } from "./rpc.ts";
import { cheapArgon2, servicesOn } from "./services.ts";

/** How a raw request was answered, whatever the protocol. */
export interface RawError {
  /** 0 if the call succeeded. */
  readonly code: number;
  readonly message: string;
  readonly reason: string | undefined;
  readonly fields: readonly string[];
}

/** A raw call: the body as it is sent, frames included. */
export interface RawCall {
  /** "UserService/GetUser" */
  readonly method: string;
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Both ports with the whole API, all interceptors and a repository in memory, until the test is over. */
export async function serveApi(environment: Record<string, string> = {}) {
  const log: LogLine[] = [];
  const at = (level: LogLine["level"]) => (fields: object) => void log.push({ level, fields });
  const services = servicesOn(new InMemoryRepository(), cheapArgon2, environment);
  const { admit, authorize } = createAdmission(services.callers, permissionsOfMethods);
  const listen = {
    address: "127.0.0.1:0",
    routes: createRoutes(services),
    interceptors: [
      logCalls({ info: at("info"), warn: at("warn"), error: at("error") }),
      authorize,
      validateRequests,
    ],
    admit,
    contextOf,
    unknownMethod,
    report: (err: unknown) => void log.push({ level: "error", fields: { err } }),
  };
  const grpc = await listenGrpc(listen);
  onTestFinished(() => grpc.drain(0));
  const http = await listenHttp({ ...listen, live: () => true, ready: () => true });
  onTestFinished(() => http.drain(0));
  return {
    log,
    services,
    grpcAddress: grpc.address,
    httpAddress: http.address,
    send: (call: RawCall) =>
      call.contentType.startsWith("application/grpc") && !call.contentType.startsWith("application/grpc-web")
        ? sendGrpc(grpc.address, call)
        : sendHttp(http.address, call),
    get: (path: string) => get(http.address, path),
  };
}

async function sendGrpc(address: string, { method, contentType, body, headers }: RawCall): Promise<RawError> {
  const session = connect(`http://${address}`);
  const stream = session.request({
    ":method": "POST",
    ":path": `/auth.v1.${method}`,
    "content-type": contentType,
    te: "trailers",
    ...headers,
  });
  const received = new Map<string, string>();
  const take = (all: object) => {
    for (const [name, value] of Object.entries(all)) received.set(name, String(value));
  };
  stream.on("response", take).on("trailers", take).resume();
  stream.end(body);
  await new Promise((resolve) => stream.on("close", resolve));
  session.destroy();
  return errorOfTrailers(received);
}

async function sendHttp(address: string, { method, contentType, body, headers }: RawCall): Promise<RawError> {
  const answer = await fetch(`http://${address}/auth.v1.${method}`, {
    method: "POST",
    headers: { "content-type": contentType, ...headers },
    body: Uint8Array.from(body),
    signal: AbortSignal.timeout(10_000),
  });
  return errorOf(contentType, answer);
}

async function get(address: string, path: string): Promise<RawError> {
  return errorOf("application/json", await fetch(`http://${address}/auth.v1.${path}`));
}

async function errorOf(contentType: string, answer: Response): Promise<RawError> {
  const body = Buffer.from(await answer.arrayBuffer());
  const type = contentType.toLowerCase();
  if (type.startsWith("application/grpc-web")) {
    const lines = body.subarray(lastEnvelopeOf(body)).toString("latin1").split("\r\n");
    const trailers = lines.map((line) => [
      line.split(":")[0] ?? "",
      line.slice(line.indexOf(":") + 1).trim(),
    ]);
    return errorOfTrailers(new Map(trailers as [string, string][]));
  }
  if (type.startsWith("application/connect+")) {
    return errorOfJson(JSON.parse(body.subarray(lastEnvelopeOf(body)).toString()).error);
  }
  return errorOfJson(answer.ok ? undefined : JSON.parse(body.toString()));
}

/** Where the last envelope's content begins. */
function lastEnvelopeOf(body: Buffer): number {
  let at = 0;
  while (at + 5 + body.readUInt32BE(at + 1) < body.length) at += 5 + body.readUInt32BE(at + 1);
  return at + 5;
}

function errorOfTrailers(trailers: ReadonlyMap<string, string>): RawError {
  const details = fromBinary(
    StatusSchema,
    Buffer.from(trailers.get("grpc-status-details-bin") ?? "", "base64"),
  ).details;
  const info = details.flatMap((any) => anyUnpack(any, ErrorInfoSchema) ?? []);
  const violations = details.flatMap((any) => anyUnpack(any, BadRequestSchema)?.fieldViolations ?? []);
  return {
    code: Number(trailers.get("grpc-status")),
    message: decodeURIComponent(trailers.get("grpc-message") ?? ""),
    reason: info[0]?.reason,
    fields: violations.map(({ field }) => field),
  };
}

interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

function errorOfJson(error: ErrorJson | undefined): RawError {
  if (error === undefined) return { code: 0, message: "", reason: undefined, fields: [] };
  const bytesOf = (type: string) =>
    (error.details ?? [])
      .filter((each) => each.type === type)
      .map(({ value }) => Buffer.from(value, "base64"));
  const info = bytesOf("google.rpc.ErrorInfo").map((bytes) => fromBinary(ErrorInfoSchema, bytes));
  const violations = bytesOf("google.rpc.BadRequest").flatMap(
    (bytes) => fromBinary(BadRequestSchema, bytes).fieldViolations,
  );
  return {
    code: codeFromString(error.code) ?? -1,
    message: error.message,
    reason: info[0]?.reason,
    fields: violations.map(({ field }) => field),
  };
}

/** A message in the frame of gRPC, gRPC-Web and Connect streams. */
export function enveloped(bytes: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}
