import {
  Code,
  ConnectError,
  type Interceptor,
  type StreamResponse,
  type UnaryResponse,
} from "@connectrpc/connect";
import { backstopMs, CallLife } from "../grpc/call-life.ts";
import { untilAborted } from "../grpc/until-aborted.ts";

type Response = UnaryResponse | StreamResponse;

/**
 * Ends a call at its deadline, and when its caller disconnects, even if the handler ignores the signal: Connect itself
 * only aborts the signal and waits. Must be the innermost interceptor, so that all others see the error.
 *
 * The handler's signal aborts with the ConnectError that ends the call, and does not abort once the call is answered.
 * Both are as on the gRPC port.
 */
export function keepDeadline(): Interceptor {
  return (next) => (request) => {
    const watch = watchSignal(request.signal, (life, reason) => life.abort(reason));
    return respond(watch, () => next({ ...request, signal: watch.life.signal }));
  };
}

/** Does the same `backstopMs` later, in case an interceptor hangs. Must be the outermost interceptor. */
export function keepDeadlineOfInterceptors(): Interceptor {
  return (next) => (request) => {
    let timer: NodeJS.Timeout | undefined;
    const watch = watchSignal(request.signal, (life, reason) => {
      timer = setTimeout(() => life.abort(reason), backstopMs);
    });
    const detach = () => {
      watch.detach();
      clearTimeout(timer);
    };
    return respond({ life: watch.life, detach }, () => next(request));
  };
}

interface Watch {
  readonly life: CallLife;
  detach(): void;
}

function watchSignal(signal: AbortSignal, end: (life: CallLife, reason: ConnectError) => void): Watch {
  const life = new CallLife();
  const onAbort = () => end(life, asCallError(signal.reason));
  if (signal.aborted) {
    onAbort();
  } else {
    signal.addEventListener("abort", onAbort);
  }
  return { life, detach: () => signal.removeEventListener("abort", onAbort) };
}

async function respond({ life, detach }: Watch, run: () => Promise<Response>): Promise<Response> {
  try {
    life.throwIfAborted();
    const response = await life.orAborted(run());
    if (response.stream) {
      return { ...response, message: untilAborted(life, response.message, asIs, detach) };
    }
    detach();
    return response;
  } catch (error) {
    detach();
    throw error;
  }
}

/**
 * Converts Connect's abort reason, which is DEADLINE_EXCEEDED at the deadline and varies when the caller disconnects.
 */
export function asCallError(reason: unknown): ConnectError {
  return reason instanceof ConnectError && reason.code === Code.DeadlineExceeded
    ? reason
    : new ConnectError("the call was cancelled", Code.Canceled, undefined, undefined, reason);
}

function asIs<T>(message: T): T {
  return message;
}
