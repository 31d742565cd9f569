/**
 * The URIs in the list of names that node:crypto prints for a certificate: `URI:spiffe://a/b, DNS:c`. A name with a
 * character of the list's own syntax is printed as a JSON string (CVE-2021-44532), and is parsed as one.
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

/** Text that is not JSON stays unchanged and matches no name. */
function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
