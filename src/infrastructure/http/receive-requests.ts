import type { Message } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextKey,
  createContextKey,
  type Interceptor,
  type StreamRequest,
  type UnaryRequest,
} from "@connectrpc/connect";
import type { Admit } from "../grpc/admit.ts";
import { failMessage } from "../grpc/call-request.ts";
import { asCallError } from "./keep-deadline.ts";
import { type MessageSource, readMessages, readOnlyMessage } from "./request-messages.ts";

/** The source of a call's messages. Set by the HTTP handler. */
export const sourceKey: ContextKey<MessageSource | undefined> = createContextKey(undefined, {
  description: "message source",
});

type Request = UnaryRequest | StreamRequest;

/**
 * Supplies a call with its messages. Connect itself would read and decode a single message before the first
 * interceptor. Here the call is admitted first, and a call that is refused or cannot be read goes through the
 * interceptors like any other, except that reading its `message` throws. So it is logged and answered like any other.
 */
export function receiveRequests(admit: Admit | undefined): Interceptor {
  return (next) => async (request) => {
    const source = request.contextValues.get(sourceKey);
    if (source === undefined) return next(request);
    if (admit !== undefined && !(await admit(request))) {
      return next(
        withoutMessage(request, new ConnectError("the call was not admitted", Code.PermissionDenied)),
      );
    }
    const { fault } = source.head;
    if (fault !== undefined) return next(withoutMessage(request, fault));
    if (request.stream) return next({ ...request, message: readMessages(source) });
    let message: Message;
    try {
      message = await untilAborted(request.signal, readOnlyMessage(source));
    } catch (error) {
      return next(withoutMessage(request, error));
    }
    return next({ ...request, message });
  };
}

function withoutMessage(request: Request, error: unknown): Request {
  const copy = { ...request };
  failMessage(copy, error);
  return copy;
}

function untilAborted<T>(signal: AbortSignal, value: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(asCallError(signal.reason));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    value.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
