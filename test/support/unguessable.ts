/** Letters in an order that no list, keyboard or name has, and none of which stands where it stood before. */
const letters = "kvzqhwjxbfygpmtrdncslaoieu";

/** A password of so many characters that nobody guesses first. */
export function unguessable(length: number): string {
  let text = "";
  for (let turn = 1; text.length < length; turn++) {
    for (let at = 0; at < letters.length; at++) text += letters[(at * turn) % letters.length];
  }
  return text.slice(0, length);
}
