/** A text of a message, or undefined where it was left out: proto3 sends both as empty. */
export function given(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
