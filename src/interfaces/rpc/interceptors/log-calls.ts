import { randomUUID } from "node:crypto";
import {
  Code,
  type ConnectError,
  type ContextValues,
  type Interceptor,
  type StreamRequest,
  type UnaryRequest,
} from "@connectrpc/connect";
import { isListenerError, toConnectError } from "../errors.ts";
import { callerKey, requestIdKey } from "../rpc-call.ts";

/** The log of calls. */
export interface CallLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Accepted values of x-request-id; any other value is replaced. */
const goodRequestId = /^[\w.:-]{1,128}$/;

/** Failures of the service, whose cause is logged. All others are errors of the caller. */
const serverFaultCodes = new Set([Code.Internal, Code.Unknown, Code.Unavailable]);

/**
 * Logs one line per call when it has ended (method, code, duration, request id, caller; never a message), and
 * translates errors. Must be the outermost interceptor, so that every response is logged.
 */
export function logCalls(log: CallLog): Interceptor {
  return (next) => async (request) => {
    const call = new LoggedCall(log, request);
    try {
      const response = await next(request);
      if (response.stream) return { ...response, message: call.observe(response.message) };
      call.succeeded();
      return response;
    } catch (error) {
      throw call.failed(error);
    }
  };
}

class LoggedCall {
  readonly #log: CallLog;
  readonly #method: string;
  readonly #requestId: string;
  readonly #values: ContextValues;
  readonly #startedAt = performance.now();

  constructor(log: CallLog, { service, method, header, contextValues }: UnaryRequest | StreamRequest) {
    this.#log = log;
    this.#method = `${service.typeName}/${method.name}`;
    this.#requestId = requestIdOf(header.get("x-request-id"));
    this.#values = contextValues.set(requestIdKey, this.#requestId);
  }

  succeeded(): void {
    this.#log.info(this.#line("OK"), "call");
  }

  failed(error: unknown): ConnectError {
    const translated = toConnectError(error, this.#requestId);
    const line = this.#line(grpcName(translated.code));
    const isCallers = !serverFaultCodes.has(translated.code) || isListenerError(error);
    if (isCallers) this.#log.info(line, "call");
    else if (translated.code === Code.Internal) this.#log.error({ ...line, err: translated.cause }, "call");
    else this.#log.warn({ ...line, err: translated.cause }, "call");
    return translated;
  }

  /** Passes on the messages of a stream. The call ends when the stream does. */
  async *observe<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
    let failure: ConnectError | undefined;
    try {
      yield* messages;
    } catch (error) {
      failure = this.failed(error);
      throw failure;
    } finally {
      if (failure === undefined) this.succeeded();
    }
  }

  #line(code: string) {
    const durationMs = Math.round((performance.now() - this.#startedAt) * 1000) / 1000;
    const caller = this.#values.get(callerKey);
    return { method: this.#method, code, durationMs, requestId: this.#requestId, caller };
  }
}

/** Connect's "InvalidArgument" is INVALID_ARGUMENT in gRPC, and its "Canceled" is CANCELLED. */
function grpcName(code: Code): string {
  return code === Code.Canceled ? "CANCELLED" : Code[code].replace(/(?<!^)[A-Z]/g, "_$&").toUpperCase();
}

function requestIdOf(sent: string | null): string {
  return sent !== null && goodRequestId.test(sent) ? sent : randomUUID();
}
