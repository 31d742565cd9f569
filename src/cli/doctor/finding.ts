/** What a check has found: a sentence that says what is so and, where that is not good, what to do. */
export interface Finding {
  readonly outcome: "ok" | "warning" | "failed";
  readonly says: string;
}

export function ok(says: string): Finding {
  return { outcome: "ok", says };
}

/** It works, but not for ever, or not as well as it could. */
export function warning(says: string): Finding {
  return { outcome: "warning", says };
}

/** The service does not start, or does not do its work. */
export function failed(says: string): Finding {
  return { outcome: "failed", says };
}

/** One thing that is looked at. Whatever it throws is a finding too: a failed one. */
export interface Check {
  readonly name: string;
  run(): Promise<Finding | readonly Finding[]>;
}

/** A finding, and what it is about. */
export interface Checked extends Finding {
  readonly check: string;
}

/** Runs one check to its findings, whatever it does, and for as long as `patienceMs`. */
export async function runCheck({ name, run }: Check, patienceMs = 20_000): Promise<Checked[]> {
  const { promise: late, resolve } = Promise.withResolvers<Finding>();
  const timer = setTimeout(
    () => resolve(failed(`The check timed out after ${patienceMs / 1_000} s.`)),
    patienceMs,
  );
  try {
    const work = Promise.try(run);
    const found = await Promise.race([work, late]).catch((error: unknown) => failed(sentenceOf(error)));
    return [found].flat().map((finding) => ({ check: name, ...finding }));
  } finally {
    clearTimeout(timer);
  }
}

/** An error, or the text of one, as a sentence. */
export function sentenceOf(error: unknown): string {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
