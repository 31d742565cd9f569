import { expect, test } from "vitest";
import { repeatedKeys } from "../../../src/infrastructure/files/repeated-keys.ts";

test.each<[string, string, string[]]>([
  ["no object", '["a", "a", 1, null]', []],
  ["each key once", '{"a": {"a": [{"a": 1}, {"a": 2}]}, "b": "a", "c": {"a": 1}}', []],
  ["texts that look like keys", '{"a": "x\\": {", "b": "\\"a\\":", "c": ["a", "a"]}', []],
  ["a key twice", '{"a": 1, "b": 2, "a": 3}', ["a"]],
  ["a key thrice", '{"a": 1, "a": 2, "a": 3}', ["a"]],
  ["a key twice in an inner object", '{"a": {"b": 1, "c": {"b": 1}, "b": 2}}', ["a.b"]],
  ["a key twice in an object of a list", '{"a": [{}, [{"b": 1, "b": [{}]}]]}', ["a.b"]],
  ["a key after an inner object of that key", '{"a": {"a": 1}, "a": 2}', ["a"]],
  ["a key in another spelling", '{"roles": 1, "r\\u006fles": 2}', ["roles"]],
  ["an escaped slash", '{"a/b": 1, "a\\/b": 2}', ["a/b"]],
  ["a pair of surrogates", '{"\\ud83d\\ude00": 1, "😀": 2}', ["😀"]],
  ["the empty key", '{"": 1, "": 2}', [""]],
  ["__proto__", '{"__proto__": 1, "__proto__": 2}', ["__proto__"]],
  ["several", '{"a": 1, "a": 2, "b": {"c": 1, "c": 2}}', ["a", "b.c"]],
])("%s", (_what, json, repeated) => {
  JSON.parse(json);
  expect(repeatedKeys(json)).toEqual(repeated);
});
