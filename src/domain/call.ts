/**
 * One call as the domain sees it: how long there is, and whether anybody still waits. Whoever works for the call passes
 * it on, so that nothing outlives it: not a hash, not a query.
 */
export interface Call {
  /** Aborted when the caller has gone or the deadline has passed; its reason is the error to end with. */
  readonly signal: AbortSignal;
  /** Milliseconds left, or undefined where the caller has set no deadline. */
  timeoutMs(): number | undefined;
}

/** A call of the service's own, that may take so long. */
export function ownCall(timeoutMs: number): Call {
  return { signal: AbortSignal.timeout(timeoutMs), timeoutMs: () => timeoutMs };
}
