const compiled = new Map<string, RegExp>();

/**
 * Matches a pattern of the schema with the runtime's RegExp. protovalidate's default, RE2 in JavaScript, takes 4 µs for
 * a display name. It protects against patterns that take exponential time; those of the schema are constants that take
 * linear time.
 */
export function matchPattern(pattern: string, text: string): boolean {
  let regExp = compiled.get(pattern);
  if (regExp === undefined) {
    regExp = new RegExp(pattern, "u");
    compiled.set(pattern, regExp);
  }
  return regExp.test(text);
}
