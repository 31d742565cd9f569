import { expect, test } from "vitest";
import { uriNames } from "../../../src/infrastructure/tls/subject-alt-names.ts";

test.each([
  ["", []],
  ["DNS:auth.example.com, IP Address:127.0.0.1", []],
  ["URI:spiffe://a.example/b", ["spiffe://a.example/b"]],
  [
    "DNS:a, URI:spiffe://a.example/b, URI:spiffe://a.example/c",
    ["spiffe://a.example/b", "spiffe://a.example/c"],
  ],
  [
    'URI:"spiffe://a.example/b, URI:spiffe://evil.example/c"',
    ["spiffe://a.example/b, URI:spiffe://evil.example/c"],
  ],
  ['DNS:"a, URI:spiffe://a.example/b"', []],
  ['DirName:"CN = \\"x\\", URI:spiffe://evil.example/c", URI:spiffe://a.example/b', ["spiffe://a.example/b"]],
  ['URI:"half\\', [""]],
])("the URIs of %s", (text, uris) => expect(uriNames(text)).toEqual(uris));
