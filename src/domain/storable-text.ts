/**
 * Why the database cannot store a text, or undefined if it can. PostgreSQL and CockroachDB have no U+0000 in text, and
 * half a surrogate pair has no UTF-8: a driver replaces it, and jsonb refuses its escape.
 */
export function unstorable(text: string): string | undefined {
  if (text.includes("\0")) return "contains U+0000";
  return text.isWellFormed() ? undefined : "contains half a surrogate pair";
}

/** The text, or as much of its beginning as takes at most so many bytes of UTF-8. No code point is cut in two. */
export function firstBytes(text: string, bytes: number): string {
  // No code unit takes less than a byte, so what is behind can be dropped unseen.
  const start = text.slice(0, bytes).toWellFormed();
  const { read } = new TextEncoder().encodeInto(start, new Uint8Array(bytes));
  return start.slice(0, read);
}
