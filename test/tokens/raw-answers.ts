import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { RunningService } from "../support/service.ts";

/** All that a caller gets, but for the time at which it was sent, as one text: equal texts are equal bytes. */
export interface RawAnswer<Answer> {
  readonly text: string;
  /** Undefined where it is an error. */
  readonly message: Answer | undefined;
}

/** Calls methods and keeps what is answered byte by byte. */
export interface RawCaller extends Disposable {
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    /** Sent along. With an x-request-id of the caller's, no two answers differ by theirs. */
    headers?: Readonly<Record<string, string>>,
  ): Promise<RawAnswer<MessageShape<O>>>;
}

/** By @grpc/grpc-js alone, on the gRPC port. */
export function rawGrpc({ grpcAddress }: RunningService): RawCaller {
  const client = new Client(grpcAddress, credentials.createInsecure(), { "grpc.enable_retries": 0 });
  const bytes = (buffer: Buffer) => buffer;
  return {
    call: (method, request, headers = {}) =>
      new Promise((resolve) => {
        const input = Buffer.from(toBinary(method.input, create(method.input, request)));
        const path = `/${method.parent.typeName}/${method.name}`;
        const parts: unknown[] = [];
        let body: Buffer | undefined;
        const call = client.makeUnaryRequest(
          path,
          bytes,
          bytes,
          input,
          metadataOf(headers),
          (_error: ServiceError | null, answer?: Buffer) => {
            body = answer;
          },
        );
        call.on("metadata", (metadata: Metadata) => parts.push(withoutDate(metadata.toJSON())));
        call.on("status", ({ code, details, metadata }) => {
          parts.push(code, details, withoutDate(metadata.toJSON()));
          // The callback comes after the status.
          setImmediate(() =>
            resolve({
              text: JSON.stringify([...parts, body?.toString("hex")]),
              message: body && fromBinary(method.output, body),
            }),
          );
        });
      }),
    [Symbol.dispose]: () => client.close(),
  };
}

/** By fetch, as JSON, on the HTTP port. */
export function rawJson({ httpUrl }: RunningService): RawCaller {
  return {
    async call(method, request, sent = {}) {
      const response = await fetch(`${httpUrl}/${method.parent.typeName}/${method.name}`, {
        method: "POST",
        headers: { "content-type": "application/json", "connect-protocol-version": "1", ...sent },
        body: JSON.stringify(toJson(method.input, create(method.input, request))),
      });
      const headers = withoutDate(Object.fromEntries(response.headers));
      const body = Buffer.from(await response.arrayBuffer());
      return {
        text: JSON.stringify([response.status, headers, body.toString()]),
        message: response.ok ? JSON.parse(body.toString()) : undefined,
      };
    },
    [Symbol.dispose]: () => {},
  };
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

function withoutDate(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "date"));
}
