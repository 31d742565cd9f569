import type { Call } from "../../src/domain/call.ts";

/** A call that nobody cancels, with a deadline where `timeoutMs` is given. */
export function aCall(timeoutMs?: number): Call {
  const startedAt = performance.now();
  const signal =
    timeoutMs === undefined ? new AbortController().signal : AbortSignal.timeout(Math.max(0, timeoutMs));
  return {
    signal,
    timeoutMs: () => (timeoutMs === undefined ? undefined : timeoutMs - (performance.now() - startedAt)),
  };
}

/** A call and the means to cancel it. */
export function aCancellableCall(): { call: Call; cancel: (reason: Error) => void } {
  const controller = new AbortController();
  return {
    call: { signal: controller.signal, timeoutMs: () => undefined },
    cancel: (reason) => controller.abort(reason),
  };
}
