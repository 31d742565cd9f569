/** The result of a check: a sentence that describes the state and, if there is a problem, what to do. */
export interface Finding {
  readonly outcome: "ok" | "warning" | "failed";
  readonly says: string;
}

export function ok(says: string): Finding {
  return { outcome: "ok", says };
}

/** The service works, but not indefinitely, or not as well as it could. */
export function warning(says: string): Finding {
  return { outcome: "warning", says };
}

/** The service does not start, or does not work. */
export function failed(says: string): Finding {
  return { outcome: "failed", says };
}

/** One check. An error that it throws becomes a failed finding. */
export interface Check {
  readonly name: string;
  run(): Promise<Finding | readonly Finding[]>;
}

/** A finding, with the name of its check. */
export interface Checked extends Finding {
  readonly check: string;
}

/** Runs one check and returns its findings. Never throws, and stops waiting after `timeoutMs`. */
export async function runCheck({ name, run }: Check, timeoutMs = 20_000): Promise<Checked[]> {
  const { promise: late, resolve } = Promise.withResolvers<Finding>();
  const timer = setTimeout(
    () => resolve(failed(`The check timed out after ${timeoutMs / 1_000} s.`)),
    timeoutMs,
  );
  try {
    const work = Promise.try(run);
    const found = await Promise.race([work, late]).catch((error: unknown) => failed(sentenceOf(error)));
    return [found].flat().map((finding) => ({ check: name, ...finding }));
  } finally {
    clearTimeout(timer);
  }
}

/** An error, or its text, as a sentence. */
export function sentenceOf(error: unknown): string {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
