/**
 * Why the database cannot store a text, or undefined if it can. PostgreSQL and CockroachDB do not support U+0000 in
 * text, and a lone surrogate has no UTF-8 encoding: drivers replace it, and jsonb refuses its escape.
 */
export function unstorable(text: string): string | undefined {
  if (text.includes("\0")) return "contains U+0000";
  return text.isWellFormed() ? undefined : "contains half a surrogate pair";
}

/** Truncates a text to at most `bytes` bytes of UTF-8, without splitting a code point. */
export function firstBytes(text: string, bytes: number): string {
  // Every code unit takes at least one byte, so the rest need not be encoded.
  const start = text.slice(0, bytes).toWellFormed();
  const { read } = new TextEncoder().encodeInto(start, new Uint8Array(bytes));
  return start.slice(0, read);
}
