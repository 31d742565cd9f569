import {
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  type Message,
  toJsonString,
} from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { RunningService } from "../support/service.ts";

/** What came back over the wire: statuses, headers, trailers, messages, details. */
export class Wire {
  readonly #answers: string[] = [];
  readonly #grpc: Transport;
  readonly #httpUrl: string;

  constructor({ grpcAddress, httpUrl }: RunningService) {
    this.#grpc = createGrpcTransport({ baseUrl: `http://${grpcAddress}` });
    this.#httpUrl = httpUrl;
  }

  get text(): string {
    return this.#answers.join("\n");
  }

  get size(): number {
    return this.#answers.length;
  }

  /** A call over both ports. Never throws: what it ends with is what is looked at. */
  async call(method: DescMethod, message: Message, headers: Readonly<Record<string, string>>): Promise<void> {
    await Promise.all([
      this.grpc(method, message, headers),
      this.post(pathOf(method), json(method, message), headers),
    ]);
  }

  async grpc(method: DescMethod, message: Message, headers: Readonly<Record<string, string>>): Promise<void> {
    try {
      // A stream is opened, its first message taken, and left.
      if (method.methodKind === "unary") {
        const {
          message: answer,
          header,
          trailer,
        } = await this.#grpc.unary(method as DescMethodUnary, undefined, 10_000, headers, message);
        this.#note([...header], [...trailer], json(method, answer));
      } else {
        const stream = await this.#grpc.stream(
          method as DescMethodStreaming,
          undefined,
          500,
          headers,
          once(message),
        );
        for await (const answer of stream.message) this.#note(json(method, answer));
      }
    } catch (reason) {
      const error = ConnectError.from(reason);
      const details = error.details.map((detail) =>
        "value" in detail ? Buffer.from(detail.value as Uint8Array).toString("latin1") : "",
      );
      this.#note(error.message, error.rawMessage, [...error.metadata], details);
    }
  }

  /** A request whose body is whatever it is. */
  async post(
    path: string,
    body: string | Buffer,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.#fetch(path, {
      method: "POST",
      body: new Uint8Array(Buffer.from(body)),
      headers: { "content-type": "application/json", ...headers },
    });
  }

  async get(path: string): Promise<string> {
    return this.#fetch(path, {});
  }

  async #fetch(path: string, init: RequestInit): Promise<string> {
    try {
      const answer = await fetch(`${this.#httpUrl}${path}`, { ...init, signal: AbortSignal.timeout(10_000) });
      const body = await answer.text();
      // Details of errors are in base64, and may lie across its groups.
      const details = [...body.matchAll(/"value":"([^"]+)"/g)].map(([, value = ""]) =>
        Buffer.from(value, "base64").toString("latin1"),
      );
      this.#note(answer.status, [...answer.headers], body, details);
      return body;
    } catch (error) {
      this.#note((error as Error).name);
      return "";
    }
  }

  #note(...parts: unknown[]): void {
    this.#answers.push(JSON.stringify(parts));
  }
}

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

export function json(method: DescMethod, message: Message): string {
  const desc = message.$typeName === method.input.typeName ? method.input : method.output;
  return toJsonString(desc, message);
}

async function* once(message: Message): AsyncIterable<Message> {
  yield message;
}
