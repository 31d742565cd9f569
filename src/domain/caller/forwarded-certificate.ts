/**
 * The URIs of the certificate that a sidecar says its client has shown: the header x-forwarded-client-cert, as Envoy
 * writes it (`By=…;Hash=…;URI=…`, one element for each proxy on the way, the nearest last). Only the last element is the
 * word of the sidecar itself. Undefined where it is malformed.
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

/** Splits where a separator stands outside of double quotes; undefined where a quote is left open. */
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
