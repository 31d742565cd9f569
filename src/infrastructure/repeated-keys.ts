/** One token of JSON: a text, a bracket, a comma or a colon. Numbers and literals are of no interest. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** An object or a list that is being read, and the keys that an object has so far. */
interface Open {
  readonly keys: Set<string> | undefined;
  /** Where it is: `roles.support`. */
  readonly path: string;
}

/**
 * The keys that objects of a JSON text have more than once, with their paths: `roles.support`. RFC 8259 §4 leaves open what
 * such a text means, and JSON.parse silently takes the last one. Two spellings of one key, as in "a" and "\u0061", are one.
 * @param json a text that JSON.parse takes
 */
export function repeatedKeys(json: string): string[] {
  const repeated = new Set<string>();
  const open: Open[] = [];
  let text = "";
  let path = "";
  for (const [part] of json.matchAll(token)) {
    const { keys, path: parent } = open.at(-1) ?? { keys: undefined, path: "" };
    if (part.startsWith('"')) text = part;
    else if (part === "{" || part === "[") {
      open.push({ keys: part === "{" ? new Set() : undefined, path });
    } else if (part === "}" || part === "]") open.pop();
    else if (part === ":" && keys !== undefined) {
      const key = String(JSON.parse(text));
      path = parent === "" ? key : `${parent}.${key}`;
      if (keys.has(key)) repeated.add(path);
      keys.add(key);
    }
  }
  return [...repeated];
}
