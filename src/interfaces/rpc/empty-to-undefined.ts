/** A text of a message, or undefined if it is empty: proto3 does not distinguish empty from absent. */
export function emptyToUndefined(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
