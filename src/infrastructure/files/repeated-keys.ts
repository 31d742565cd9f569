/** One token of JSON: a string, a bracket, a comma or a colon. Numbers and literals do not matter here. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** An object or list that is being read, and the keys that an object has so far. */
interface Open {
  readonly keys: Set<string> | undefined;
  /** Its path, such as `roles.support`. */
  readonly path: string;
}

/**
 * The paths of duplicate keys in JSON text, such as `roles.support`. RFC 8259 §4 does not define the meaning of such a
 * text, and JSON.parse silently takes the last value. Two spellings of one key, as in "a" and "\u0061", are duplicates.
 * @param json text that JSON.parse accepts
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
