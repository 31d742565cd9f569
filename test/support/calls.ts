import { type Call, type Origin, unlimited } from "../../src/domain/call.ts";

/** Where the calls of tests come from. */
export const origin: Origin = {
  caller: "spiffe://test.example/caller",
  requestId: "r-1",
  address: "192.0.2.1",
};

/** A call that nobody cancels, with a deadline where `timeoutMs` is given. */
export function aCall(timeoutMs?: number): Call {
  const startedAt = performance.now();
  const signal =
    timeoutMs === undefined ? new AbortController().signal : AbortSignal.timeout(Math.max(0, timeoutMs));
  return {
    signal,
    timeoutMs: () => (timeoutMs === undefined ? undefined : timeoutMs - (performance.now() - startedAt)),
    origin,
    ...unlimited,
  };
}

/** A call and the means to cancel it. */
export function aCancellableCall(): { call: Call; cancel: (reason: Error) => void } {
  const controller = new AbortController();
  return {
    call: { signal: controller.signal, timeoutMs: () => undefined, origin, ...unlimited },
    cancel: (reason) => controller.abort(reason),
  };
}
