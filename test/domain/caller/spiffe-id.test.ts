import { expect, test } from "vitest";
import { parseSpiffeId } from "../../../src/domain/caller/spiffe-id.ts";

test.each([
  ["spiffe://example.org/web", "example.org"],
  ["spiffe://example.org/ns/shop/sa/web-1", "example.org"],
  ["spiffe://prod_1.acme-corp.example/A.b_c", "prod_1.acme-corp.example"],
  [`spiffe://${"a".repeat(255)}/x`, "a".repeat(255)],
])("%s is one", (text, trustDomain) => expect(parseSpiffeId(text)).toEqual({ text, trustDomain }));

// SPIFFE-ID §2: what others would normalise is refused, so that no two texts are one caller.
test.each([
  "",
  "web",
  "https://example.org/web",
  "SPIFFE://example.org/web",
  "spiffe://",
  "spiffe:///web",
  "spiffe://example.org",
  "spiffe://example.org/",
  "spiffe://example.org/web/",
  "spiffe://example.org//web",
  "spiffe://example.org/./web",
  "spiffe://example.org/../web",
  "spiffe://Example.org/web",
  "spiffe://example.org:443/web",
  "spiffe://ada@example.org/web",
  "spiffe://example.org/web?x=1",
  "spiffe://example.org/web#x",
  "spiffe://example.org/w%65b",
  "spiffe://exämple.org/web",
  "spiffe://example.org/wéb",
  "spiffe://example.org/web\n",
  `spiffe://${"a".repeat(256)}/x`,
  `spiffe://example.org/${"a".repeat(2_048)}`,
])("%j is none", (text) => expect(parseSpiffeId(text)).toBeUndefined());
