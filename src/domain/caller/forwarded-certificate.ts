/**
 * The URIs of the client certificate that a sidecar forwards in the header x-forwarded-client-cert, as Envoy writes it
 * (`By=…;Hash=…;URI=…`, one element per proxy on the path, the nearest last). Only the last element comes from the
 * sidecar itself. Returns undefined if the header is malformed.
 */
export function forwardedUris(header: string): string[] | undefined {
  const elements = split(header, ",");
  const pairs = elements && split(elements.at(-1) ?? "", ";");
  if (pairs === undefined) return undefined;
  const uris: string[] = [];
  for (const pair of pairs) {
    const [, key, value] = /^\s*([A-Za-z]+)=(.*?)\s*$/s.exec(pair) ?? [];
    if (key === undefined || value === undefined) return undefined;
    if (key.toLowerCase() === "uri") uris.push(unquoted(value));
  }
  return uris;
}

/** Splits at separators outside of double quotes. Returns undefined if a quote is not closed. */
function split(text: string, separator: string): string[] | undefined {
  const parts = [""];
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === separator && !quoted) {
      parts.push("");
      continue;
    }
    if (character === '"') quoted = !quoted;
    const escaped = character === "\\" && quoted ? text.charAt(++index) : "";
    parts[parts.length - 1] += character + escaped;
  }
  return quoted ? undefined : parts;
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/gs, "$1") : value;
}
