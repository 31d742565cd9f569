import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  type CallOptions,
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type StatusObject,
} from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import { EchoService } from "../gen/echo/v1/echo_service_pb.ts";

/** All that a client can see of a call, once it is over. */
export interface Outcome {
  readonly texts: string[];
  readonly headers: Metadata | undefined;
  readonly status: StatusObject;
}

export interface CallSettings extends CallOptions {
  readonly metadata?: Metadata;
}

type Kind = keyof typeof EchoService.method;

/** A client of the EchoService made of @grpc/grpc-js alone, as a service in another language would be. */
export class GrpcJsClient {
  readonly client: Client;

  constructor(
    address: string,
    creds: ChannelCredentials = credentials.createInsecure(),
    options: ClientOptions = {},
  ) {
    this.client = new Client(address, creds, { "grpc.enable_retries": 0, ...options });
    onTestFinished(() => this.client.close());
  }

  /** Calls Say. */
  say(text: string, settings: CallSettings = {}): Promise<Outcome> {
    const { path, encode, decode } = codec("say");
    const call = this.client.makeUnaryRequest(
      path,
      encode,
      decode,
      { text },
      settings.metadata ?? new Metadata(),
      settings,
      (_error, message) => {
        if (message !== undefined) {
          texts.push(message.text);
        }
      },
    );
    const texts: string[] = [];
    return outcomeOf(call, texts);
  }

  /** Opens a call of any kind; on the wire they are all the same. */
  open(kind: Kind, settings: CallSettings = {}): OpenCall {
    const { path, encode, decode } = codec(kind);
    const metadata = settings.metadata ?? new Metadata();
    return new OpenCall(this.client.makeBidiStreamRequest(path, encode, decode, metadata, settings));
  }

  /** Opens a call, sends all messages and waits for the end. */
  async call(kind: Kind, messages: readonly Message[], settings: CallSettings = {}): Promise<Outcome> {
    const call = this.open(kind, settings);
    for (const message of messages) {
      call.send(message);
    }
    call.end();
    return call.outcome();
  }
}

interface Message {
  readonly text: string;
  readonly count?: number;
}

/** A call that is open. */
export class OpenCall {
  readonly stream: ClientDuplexStream<Message, Message>;

  constructor(stream: ClientDuplexStream<Message, Message>) {
    this.stream = stream;
    stream.on("error", () => {});
  }

  send(message: Message): boolean {
    return this.stream.write(message);
  }

  end(): void {
    this.stream.end();
  }

  cancel(): void {
    this.stream.cancel();
  }

  /** Reads to the end. */
  outcome(): Promise<Outcome> {
    const texts: string[] = [];
    this.stream.on("data", (message: Message) => texts.push(message.text));
    return outcomeOf(this.stream, texts);
  }

  /** The next message's text. */
  async next(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.stream.once("data", (message: Message) => {
        this.stream.pause();
        resolve(message.text);
      });
      this.stream.once("status", (status) => reject(new Error(`the call has ended: ${status.details}`)));
      this.stream.resume();
    });
  }
}

function codec(kind: Kind) {
  const method = EchoService.method[kind];
  return {
    path: `/${EchoService.typeName}/${method.name}`,
    encode: (message: Message) => Buffer.from(toBinary(method.input, create(method.input, message))),
    decode: (bytes: Buffer): Message => fromBinary(method.output, bytes),
  };
}

function outcomeOf(
  call: ClientUnaryCall | ClientDuplexStream<Message, Message>,
  texts: string[],
): Promise<Outcome> {
  return new Promise((resolve) => {
    let headers: Metadata | undefined;
    call.on("metadata", (metadata) => {
      headers = metadata;
    });
    call.on("status", (status) => {
      // The callback of a unary call comes after its status.
      setImmediate(() => resolve({ texts, headers, status }));
    });
  });
}

/** The reasons of the ErrorInfos in an outcome's `grpc-status-details-bin`. */
export function reasonsOf({ status }: Outcome): string[] {
  return errorReasons(status.metadata.get("grpc-status-details-bin")[0]);
}

/** The reasons of the ErrorInfos in a google.rpc.Status, as bytes or base64. */
export function errorReasons(details: string | Buffer | string[] | undefined): string[] {
  if (details === undefined) {
    return [];
  }
  const bytes = Buffer.isBuffer(details) ? details : Buffer.from(String(details), "base64");
  return fromBinary(StatusSchema, bytes).details.flatMap(
    (any) => anyUnpack(any, ErrorInfoSchema)?.reason ?? [],
  );
}

/** Metadata from pairs; a key may come more than once. */
export function metadata(...entries: readonly (readonly [string, string | Buffer])[]): Metadata {
  const result = new Metadata();
  for (const [key, value] of entries) {
    result.add(key, value);
  }
  return result;
}
