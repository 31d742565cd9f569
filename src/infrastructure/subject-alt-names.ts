/**
 * The URIs among the names that node:crypto prints for a certificate: `URI:spiffe://a/b, DNS:c`. A name with a character
 * that could be taken for the list's own syntax is printed as a JSON string (CVE-2021-44532), and is read as one.
 */
export function uriNames(subjectAltName: string): string[] {
  const uris: string[] = [];
  for (const [, kind, quoted, plain] of subjectAltName.matchAll(
    /(?:^|, )([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^,"]*))/g,
  )) {
    if (kind !== "URI") continue;
    uris.push(quoted === undefined ? (plain ?? "") : unquoted(quoted));
  }
  return uris;
}

/** A text that is no JSON stays as it is, and is nobody's name. */
function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
