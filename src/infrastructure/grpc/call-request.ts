import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ContextValues, HandlerContext, StreamRequest, UnaryRequest } from "@connectrpc/connect";
import type { CallLife } from "./call-life.ts";

/** The state of the call that a request belongs to. */
export interface CallState {
  readonly life: CallLife;
  readonly responseHeader: Headers;
  readonly responseTrailer: Headers;
}

const callKey = Symbol("call");

/** Shared by all requests, so that V8 gives them one hidden class. */
const lazySignal: PropertyDescriptor = {
  configurable: true,
  enumerable: true,
  get(this: CallRequest) {
    return this[callKey].life.signal;
  },
};

/**
 * The request for interceptors and the context for handlers. They are one object, because allocation dominates the cost
 * of a small call. Headers and the abort signal are created on first read.
 *
 * All parts of a request are own, enumerable properties and nothing is `#private`, so that both ways to change a
 * request in an interceptor, `{ ...req, header }` and `Object.create(req, …)`, keep every part.
 */
export class CallRequest implements HandlerContext {
  readonly stream: boolean;
  readonly message: unknown;
  readonly service: DescService;
  readonly method: DescMethod;
  readonly url: string;
  readonly requestMethod = "POST";
  readonly header: Headers;
  readonly contextValues: ContextValues;
  declare readonly signal: AbortSignal;
  readonly [callKey]: CallState;

  constructor(
    call: CallState,
    method: DescMethod,
    url: string,
    header: Headers,
    contextValues: ContextValues,
    message: unknown,
  ) {
    this.stream = method.methodKind !== "unary";
    this.message = message;
    this.service = method.parent;
    this.method = method;
    this.url = url;
    this.header = header;
    this.contextValues = contextValues;
    this[callKey] = call;
    Object.defineProperty(this, "signal", lazySignal);
  }

  get requestHeader(): Headers {
    return this.header;
  }

  get values(): ContextValues {
    return this.contextValues;
  }

  get responseHeader(): Headers {
    return this[callKey].responseHeader;
  }

  get responseTrailer(): Headers {
    return this[callKey].responseTrailer;
  }

  get protocolName(): string {
    return "grpc";
  }

  get timeoutMs(): () => number {
    const { life } = this[callKey];
    return () => life.timeLeftMs();
  }
}

/** Makes `request.message` throw `error`, so that interceptors also run for a call whose message is unavailable. */
export function failMessage(request: object, error: unknown): void {
  Object.defineProperty(request, "message", {
    configurable: true,
    enumerable: true,
    get() {
      throw error;
    },
  });
}

type Request = UnaryRequest | StreamRequest;

/**
 * The call that a request belongs to, also if interceptors have changed the request.
 * @throws Error if an interceptor passed on a request that is not a copy of the one it received
 */
export function callOf(request: Request): CallState {
  const call = (request as Partial<CallRequest>)[callKey];
  if (call === undefined) {
    throw new Error("an interceptor passed on a request that is not a copy of the one it received");
  }
  return call;
}

/** The context for the handler: the request itself, or a new one if interceptors have changed the request. */
export function contextOf(request: Request): HandlerContext {
  if (request instanceof CallRequest) {
    return request;
  }
  // Read each by name: a spread would miss properties that a changed request inherits.
  const { service, method, url, requestMethod, header, contextValues, signal } = request;
  const context = { service, method, url, requestMethod, header, contextValues, signal };
  return Object.setPrototypeOf({ ...context, [callKey]: callOf(request) }, CallRequest.prototype);
}
