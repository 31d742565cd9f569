import { connect, type Socket } from "node:net";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { type Answer, answerTimeoutMs, hung } from "./answers.ts";
import type { HttpInput } from "./inputs.ts";

/** An answer of HTTP/1.1, read as far as it has come. */
interface Response {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Sends bytes to the HTTP port, on connections that are kept while both ends want it. */
export class HttpPort {
  readonly #host: string;
  readonly #port: number;
  readonly #idle: Socket[] = [];

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  async send(input: HttpInput): Promise<Answer> {
    const isHead = Buffer.from(input.bytes.subarray(0, 5)).toString() === "HEAD ";
    const socket = (input.alone === true ? undefined : this.#idle.pop()) ?? this.#open();
    const { response, reusable } = await exchange(socket, input, isHead);
    if (reusable && input.alone !== true) this.#idle.push(socket);
    else socket.destroy();
    return response === undefined
      ? { code: "closed", message: "", body: Buffer.alloc(0) }
      : answerOf(response);
  }

  /** Leaves its connections for new ones. Nothing is in flight. */
  renew(): void {
    for (const socket of this.#idle.splice(0)) socket.destroy();
  }

  #open(): Socket {
    const socket = connect({ host: this.#host, port: this.#port, allowHalfOpen: true, noDelay: true });
    return socket.on("error", () => {});
  }
}

function exchange(
  socket: Socket,
  input: HttpInput,
  isHead: boolean,
): Promise<{ response: Response | undefined; reusable: boolean }> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => done(() => reject(hung(input))), answerTimeoutMs);
    const done = (settle: () => void) => {
      clearTimeout(timer);
      socket.removeAllListeners("data").removeAllListeners("end").removeAllListeners("close");
      settle();
    };
    const onEnd = () => done(() => resolve({ response: parse(received, isHead, true), reusable: false }));
    socket.on("data", (data) => {
      received = received.length === 0 ? data : Buffer.concat([received, data]);
      const response = parse(received, isHead, false);
      const reusable = response?.headers.get("connection") !== "close";
      if (response !== undefined) done(() => resolve({ response, reusable }));
    });
    socket.on("end", onEnd).on("close", onEnd);
    if (input.alone === true) socket.end(input.bytes);
    else socket.write(input.bytes);
  });
}

/** The response, or undefined where not all of it has come. */
function parse(received: Buffer, isHead: boolean, ended: boolean): Response | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [statusLine = "", ...lines] = received.toString("latin1", 0, headEnd).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
  const rest = received.subarray(headEnd + 4);
  // 100 Continue and the like come before what is the answer.
  if (status < 200) return parse(rest, isHead, ended);
  const headers = new Map(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const body = isHead || status === 204 || status === 304 ? Buffer.alloc(0) : bodyOf(rest, headers, ended);
  return body && { status, headers, body };
}

function bodyOf(rest: Buffer, headers: ReadonlyMap<string, string>, ended: boolean): Buffer | undefined {
  const length = headers.get("content-length");
  if (length !== undefined)
    return rest.length >= Number(length) ? rest.subarray(0, Number(length)) : undefined;
  if (headers.get("transfer-encoding") !== "chunked") return ended ? rest : undefined;
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(rest.toString("latin1", at, lineEnd), 16);
    at = lineEnd + 2 + size + 2;
    if (rest.length < at) return undefined;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
  }
}

/** Connect says how it went in the status line and in JSON; gRPC-Web in headers, or in the last frame of the body. */
function answerOf({ status, headers, body }: Response): Answer {
  const type = headers.get("content-type") ?? "";
  if (type.startsWith("application/grpc-web")) {
    const trailers = headers.get("grpc-status") === undefined ? lastFrameOf(body, headers) : headers;
    return {
      code: `grpc-web ${trailers.get("grpc-status")}`,
      message: decodeURIComponent(trailers.get("grpc-message") ?? ""),
      body,
    };
  }
  if (status === 200) return { code: "200", message: "", body };
  const text = inflated(body, headers).toString();
  const error = type.startsWith("application/json") && text !== "" ? JSON.parse(text) : {};
  return { code: `${status} ${error.code ?? ""}`.trim(), message: String(error.message ?? ""), body };
}

/** Connect compresses what is longer than 1 KiB for who accepts that, and that an error can be. */
function inflated(body: Buffer, headers: ReadonlyMap<string, string>): Buffer {
  if (body.length === 0) return body;
  switch (headers.get("content-encoding")) {
    case "br":
      return brotliDecompressSync(body);
    case "gzip":
      return gunzipSync(body);
    default:
      return body;
  }
}

/** The trailers of gRPC-Web: a frame with its highest bit set, and compressed where its lowest is too. */
function lastFrameOf(body: Buffer, headers: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  for (let at = 0; at + 5 <= body.length; ) {
    const length = body.readUInt32BE(at + 1);
    const flags = body[at] ?? 0;
    if ((flags & 0x80) !== 0) {
      const frame = body.subarray(at + 5, at + 5 + length);
      const inflate = headers.get("grpc-encoding") === "br" ? brotliDecompressSync : gunzipSync;
      const lines = ((flags & 1) === 0 ? frame : inflate(frame))
        .toString("latin1")
        .split("\r\n")
        .filter((line) => line !== "");
      return new Map(
        lines.map((line) => [
          line.slice(0, line.indexOf(":")).toLowerCase(),
          line.slice(line.indexOf(":") + 1).trim(),
        ]),
      );
    }
    at += 5 + length;
  }
  return new Map();
}
