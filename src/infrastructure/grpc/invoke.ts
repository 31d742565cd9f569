import { create, type DescMessage, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type Interceptor,
  type MethodImplSpec,
  type StreamResponse,
  type UnaryResponse,
} from "@connectrpc/connect";
import { type CallState, callOf, contextOf } from "./call-request.ts";
import { untilAborted } from "./until-aborted.ts";

/** The function from request to response that interceptors wrap. */
export type AnyFn = ReturnType<Interceptor>;

type Answer = MessageInitShape<DescMessage>;

/**
 * The innermost function of the interceptor chain, which only calls the handler. It stops waiting for the handler at
 * the deadline or when the caller disconnects. It does so here so that every interceptor sees the error.
 */
export function invokeHandler(spec: MethodImplSpec): AnyFn {
  switch (spec.kind) {
    case "unary":
      return async (request) => {
        const call = callOf(request);
        call.life.throwIfAborted();
        const answer = spec.impl(request.message as Message, contextOf(request));
        return respond(call, spec, false, create(spec.method.output, await call.life.orAborted(answer)));
      };
    case "server_streaming":
      return async (request) => {
        const call = callOf(request);
        const message = await theOnly(request.message as AsyncIterable<Message>);
        call.life.throwIfAborted();
        return respondStream(call, spec, spec.impl(message, contextOf(request)));
      };
    case "client_streaming":
      return async (request) => {
        const call = callOf(request);
        call.life.throwIfAborted();
        const answer = spec.impl(request.message as AsyncIterable<Message>, contextOf(request));
        return respondStream(call, spec, [await call.life.orAborted(answer)]);
      };
    case "bidi_streaming":
      return async (request) => {
        const call = callOf(request);
        call.life.throwIfAborted();
        const messages = request.message as AsyncIterable<Message>;
        return respondStream(call, spec, spec.impl(messages, contextOf(request)));
      };
  }
}

async function theOnly(messages: AsyncIterable<Message>): Promise<Message> {
  const iterator = messages[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) {
    throw new ConnectError("the request has no message", Code.Unimplemented);
  }
  if ((await iterator.next()).done !== true) {
    throw new ConnectError("the request has more than one message", Code.Unimplemented);
  }
  return first.value;
}

function respond(
  call: CallState,
  spec: MethodImplSpec,
  stream: boolean,
  message: unknown,
): UnaryResponse | StreamResponse {
  return {
    stream,
    service: spec.method.parent,
    method: spec.method,
    header: call.responseHeader,
    trailer: call.responseTrailer,
    message,
  } as UnaryResponse | StreamResponse;
}

function respondStream(
  call: CallState,
  spec: MethodImplSpec,
  answers: AsyncIterable<Answer> | readonly Answer[],
): UnaryResponse | StreamResponse {
  const messages = untilAborted(call.life, answers, (answer) => create(spec.method.output, answer));
  return respond(call, spec, true, messages);
}
