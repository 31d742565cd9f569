import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { type Answer, answerTimeoutMs, hung } from "./answers.ts";
import type { GrpcInput } from "./inputs.ts";

/** Sends requests to the gRPC port by node:http2, which puts into a request what no gRPC library would. */
export class GrpcPort {
  readonly #url: string;
  readonly #count: number;
  readonly #sessions: ClientHttp2Session[] = [];
  #sent = 0;

  constructor(address: string, sessions: number) {
    this.#url = `http://${address}`;
    this.#count = sessions;
  }

  /**
   * Sends an input, and again where another one on the same connection has broken it: then nothing is known of this one. One
   * that breaks its connection itself does so twice.
   */
  async send(input: GrpcInput): Promise<Answer> {
    const session = this.#session();
    const answer = await this.#sendOn(session, input);
    const isUnanswered = answer.code === `reset ${constants.NGHTTP2_INTERNAL_ERROR}`;
    return isUnanswered && session.destroyed ? this.#sendOn(this.#session(), input) : answer;
  }

  #sendOn(session: ClientHttp2Session, input: GrpcInput): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const seen: IncomingHttpHeaders = {};
      const body: Buffer[] = [];
      const stream = session.request(input.headers, { endStream: false });
      const timer = setTimeout(() => reject(hung(input)), answerTimeoutMs);
      stream.on("response", (headers) => Object.assign(seen, headers));
      stream.on("trailers", (headers) => Object.assign(seen, headers));
      stream.on("data", (data) => body.push(data));
      stream.on("error", () => {});
      stream.on("close", () => {
        clearTimeout(timer);
        resolve(answerOf(seen, Buffer.concat(body), stream.rstCode ?? 0));
      });
      stream.end(input.body);
    });
  }

  /** Leaves its connections for new ones, so that no limit of one connection is what is tested. Nothing is in flight. */
  renew(): void {
    for (const session of this.#sessions.splice(0)) session.close();
  }

  #session(): ClientHttp2Session {
    const at = this.#sent++ % this.#count;
    const session = this.#sessions[at];
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    const fresh = connect(this.#url).on("error", () => {});
    this.#sessions[at] = fresh;
    return fresh;
  }
}

function answerOf(headers: IncomingHttpHeaders, body: Buffer, rstCode: number): Answer {
  const code = headers["grpc-status"];
  const message = String(headers["grpc-message"] ?? "");
  if (code !== undefined) return { code: `grpc ${code}`, message: decodeURI(message), body };
  const status = headers[":status"];
  return { code: status === undefined ? `reset ${rstCode}` : `http ${status}`, message, body };
}
