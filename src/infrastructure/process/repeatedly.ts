import type { Deadline } from "../../domain/call.ts";

export interface RepeatedTask {
  readonly task: (deadline: Deadline) => Promise<void>;
  readonly everyMs: number;
  /** Maximum duration of one run. */
  readonly timeoutMs: number;
  readonly onError: (error: unknown) => void;
}

/** Runs a task repeatedly, with a pause of `everyMs` ±25 % after each run, so that instances do not run in lockstep. */
export function repeatedly({ task, everyMs, timeoutMs, onError }: RepeatedTask): Disposable {
  const stopped = new AbortController();
  let timer: NodeJS.Timeout;
  const schedule = () => {
    timer = setTimeout(run, everyMs * (0.75 + Math.random() / 2));
  };
  const run = async () => {
    const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(timeoutMs)]);
    await task({ signal, timeoutMs: () => timeoutMs }).catch((error: unknown) => {
      if (!stopped.signal.aborted) onError(error);
    });
    if (!stopped.signal.aborted) schedule();
  };
  schedule();
  return {
    [Symbol.dispose]() {
      stopped.abort(new Error("the service is stopping"));
      clearTimeout(timer);
    },
  };
}
