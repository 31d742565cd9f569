import fc from "fast-check";
import { expect, test } from "vitest";
import { forwardedUris } from "../../../src/domain/caller/forwarded-certificate.ts";

const hash = "Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688";

test.each([
  ["of one proxy", `By=spiffe://a/x;${hash};URI=spiffe://a/web`, ["spiffe://a/web"]],
  [
    "with a quoted subject",
    `${hash};Subject="CN=x,O=\\"y;URI=spiffe://evil/z\\"";URI=spiffe://a/web`,
    ["spiffe://a/web"],
  ],
  [
    "of two proxies, of which the last is ours",
    `URI=spiffe://evil/root,By=spiffe://a/x;URI=spiffe://a/web`,
    ["spiffe://a/web"],
  ],
  [
    "with an element that a client has put first",
    `URI="spiffe://evil/a,b";Hash=x, ${hash};URI=spiffe://a/web`,
    ["spiffe://a/web"],
  ],
  ["with two URIs", "URI=spiffe://a/web;URI=spiffe://a/other", ["spiffe://a/web", "spiffe://a/other"]],
  ["without one", hash, []],
  ["with the key in other letters", "uri=spiffe://a/web", ["spiffe://a/web"]],
  ["with a URI in quotes", 'URI="spiffe://a/web"', ["spiffe://a/web"]],
])("a header %s", (_name, header, uris) => expect(forwardedUris(header)).toEqual(uris));

test.each([
  "",
  ";",
  "URI",
  "=spiffe://a/web",
  'Subject="CN=x',
  "URI=spiffe://a/web,",
  "URI=spiffe://a/web;;Hash=x",
])("%j is malformed", (header) => expect(forwardedUris(header)).toBeUndefined());

test("whatever comes before the last element changes nothing", () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('"')),
      (before) => {
        expect(forwardedUris(`${before},URI=spiffe://a/web`)).toEqual(["spiffe://a/web"]);
      },
    ),
  );
});
