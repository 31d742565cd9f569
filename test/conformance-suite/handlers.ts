import { setTimeout as sleep } from "node:timers/promises";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { sourceKey } from "../../src/infrastructure/http/receive-requests.ts";
import {
  type BidiStreamRequest,
  BidiStreamRequestSchema,
  type ClientStreamRequest,
  ClientStreamRequestSchema,
  type ConformancePayload_RequestInfo,
  ConformancePayload_RequestInfoSchema,
  type ConformancePayloadSchema,
  type ConformanceService,
  type Error as ErrorDefinition,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "../gen/connectrpc/conformance/v1/service_pb.ts";

/** The longest deadline of the ports. A handler sees it if the caller sets no deadline, and the suite asks for none. */
export const maxTimeoutMs = 3_600_000;
const callersTimeoutMs = maxTimeoutMs / 2;

type RequestInfo = MessageInitShape<typeof ConformancePayload_RequestInfoSchema>;
type Payload = MessageInitShape<typeof ConformancePayloadSchema>;

/** The ConformanceService, as the comments of its proto prescribe it. */
export const conformanceHandlers: Partial<ServiceImpl<typeof ConformanceService>> = {
  async unary(request, context) {
    const info = requestInfo(context, [packed(UnaryRequestSchema, request)]);
    return { payload: await answerOnce(request.responseDefinition, info, context) };
  },
  async idempotentUnary(request, context) {
    const info = requestInfo(context, [packed(IdempotentUnaryRequestSchema, request)]);
    return { payload: await answerOnce(request.responseDefinition, info, context) };
  },
  async clientStream(requests, context) {
    const received: ClientStreamRequest[] = [];
    for await (const request of requests) received.push(request);
    const info = requestInfo(
      context,
      received.map((request) => packed(ClientStreamRequestSchema, request)),
    );
    return { payload: await answerOnce(received[0]?.responseDefinition, info, context) };
  },
  async *serverStream(request, context) {
    const { responseDefinition: definition } = request;
    if (definition === undefined) return;
    setHeaders(definition, context);
    const info = requestInfo(context, [packed(ServerStreamRequestSchema, request)]);
    yield* answerRest(definition, 0, info);
  },
  async *bidiStream(requests, context) {
    let first: BidiStreamRequest | undefined;
    let unanswered: Any[] = [];
    let answers = 0;
    for await (const request of requests) {
      if (first === undefined) {
        first = request;
        setHeaders(request.responseDefinition, context);
      }
      unanswered.push(packed(BidiStreamRequestSchema, request));
      if (!first.fullDuplex) continue;
      const data = first.responseDefinition?.responseData[answers];
      if (data === undefined) break;
      await sleep(first.responseDefinition?.responseDelayMs);
      yield {
        payload: {
          data,
          requestInfo: answers === 0 ? requestInfo(context, unanswered) : { requests: unanswered },
        },
      };
      answers += 1;
      unanswered = [];
    }
    const definition = first?.responseDefinition;
    if (definition !== undefined) yield* answerRest(definition, answers, requestInfo(context, unanswered));
  },
};

async function answerOnce(
  definition: UnaryResponseDefinition | undefined,
  info: RequestInfo,
  context: HandlerContext,
): Promise<Payload> {
  setHeaders(definition, context);
  await sleep(definition?.responseDelayMs ?? 0);
  const response = definition?.response;
  if (response?.case === "error") throw errorOf(response.value, info);
  return { requestInfo: info, ...(response?.case === "responseData" ? { data: response.value } : {}) };
}

/** The responses from the given one on. The first of all carries the request info; if there is none, the error does. */
async function* answerRest(
  definition: StreamResponseDefinition,
  from: number,
  info: RequestInfo,
): AsyncGenerator<{ payload: Payload }> {
  const { responseData, responseDelayMs, error } = definition;
  for (const [index, data] of responseData.entries()) {
    if (index < from) continue;
    await sleep(responseDelayMs);
    yield { payload: index === 0 ? { data, requestInfo: info } : { data } };
  }
  if (error !== undefined) throw errorOf(error, responseData.length === 0 ? info : undefined);
}

function setHeaders(
  definition: Pick<UnaryResponseDefinition, "responseHeaders" | "responseTrailers"> | undefined,
  { responseHeader, responseTrailer }: HandlerContext,
): void {
  append(responseHeader, definition?.responseHeaders ?? []);
  append(responseTrailer, definition?.responseTrailers ?? []);
}

function append(headers: Headers, added: readonly Header[]): void {
  for (const { name, value } of added) {
    for (const each of value) headers.append(name, each);
  }
}

function requestInfo(context: HandlerContext, requests: Any[]): RequestInfo {
  const { requestHeader, requestMethod, values } = context;
  // The HTTP port reads the message of a GET itself and leaves an empty one in the context's URL.
  const url = values.get(sourceKey)?.url ?? context.url;
  const timeoutMs = context.timeoutMs();
  return {
    requestHeaders: pairs(requestHeader),
    requests,
    ...(timeoutMs !== undefined && timeoutMs < callersTimeoutMs
      ? { timeoutMs: BigInt(Math.round(timeoutMs)) }
      : {}),
    ...(requestMethod === "GET" ? { connectGetInfo: { queryParams: pairs(new URL(url).searchParams) } } : {}),
  };
}

function pairs(entries: Iterable<[string, string]>) {
  return [...entries].map(([name, value]) => ({ name, value: [value] }));
}

function packed<Schema extends DescMessage>(schema: Schema, message: MessageShape<Schema>): Any {
  return anyPack(schema, message);
}

function errorOf(
  { code, message = "", details }: ErrorDefinition,
  info: RequestInfo | undefined,
): ConnectError {
  const error = new ConnectError(message, code as number);
  for (const { typeUrl, value } of details) {
    error.details.push({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value });
  }
  if (info !== undefined) {
    error.details.push({
      desc: ConformancePayload_RequestInfoSchema,
      value: info as ConformancePayload_RequestInfo,
    });
  }
  return error;
}
