import { describe, expect, test } from "vitest";
import type { Layout } from "../../../src/cli/transfer/files/layout.ts";
import { documents, lines, readContents, readRows } from "./read-rows.ts";

const invalid = "is not valid JSON";
const a = { user: { username: "a" } };
const [textA, textB] = ['{"user":{"username":"a"}}', '{"b":["}",{"users":[1]},"\\"]"]}'];
const b = JSON.parse(textB);
const pretty = (value: unknown) => JSON.stringify(value, undefined, 2);

describe("rows of JSON lines", () => {
  test.each<[string, string, [number, unknown][]]>([
    [
      "a value a line",
      `${textA}\n${textB}`,
      [
        [1, a],
        [2, b],
      ],
    ],
    [
      "blank lines",
      `\n \r\n${textA}\r\n\n${textB}\n\n`,
      [
        [3, a],
        [5, b],
      ],
    ],
    [
      "separators that are not line feeds",
      '"\u2028\u2029\u0085"\n1',
      [
        [1, "\u2028\u2029\u0085"],
        [2, 1],
      ],
    ],
    [
      "values of several lines",
      `${pretty(a)}\n${pretty(b)}\n${textA}`,
      [
        [1, a],
        [6, b],
        [17, a],
      ],
    ],
    [
      "several values a line",
      `${textA}${textB} ${textA}\n${textB}`,
      [
        [1, a],
        [1, b],
        [1, a],
        [2, b],
      ],
    ],
    [
      "byte order marks between files",
      `${textA}\n\uFEFF${textB}\n`,
      [
        [1, a],
        [2, b],
      ],
    ],
    [
      "an object with an empty name and one with rows behind",
      `{"":[]}\n{"users":[1]}`,
      [
        [1, { "": [] }],
        [2, { users: [1] }],
      ],
    ],
    [
      "an array that is not first",
      `${textA}\n[1]\n${textA}`,
      [
        [1, a],
        [2, [1]],
        [3, a],
      ],
    ],
  ])("reads %s", async (_, text, rows) => {
    expect(await readContents(text, lines)).toEqual(rows);
  });

  test.each<[string, string, string?]>([
    ["text", "hello"],
    ["a trailing comma", `${textA},`],
    ["text behind the value", `${textA} hello`],
    ["a value and half of one", '{"a":1}x{"b":2}'],
    ["a value cut off in a string", '{"user":{"username":"a'],
    ["a value cut off behind a quote", '{"user":{"username":"a"'],
    ["a value cut off behind a name", '{"user"'],
    ["a value cut off behind a colon", '{"user":'],
    ["a value cut off behind a comma", '{"user":{},'],
    ["a value cut off behind a bracket", '{"user":{'],
    ["a value cut off in an array", '{"user":[{},'],
    ["a value cut off in a number", '{"user":[1'],
    ["an array cut off", "[{}"],
    ["an array cut off behind a comma", "[{},"],
    ["a bracket that closes another", '{"user":[1}'],
    ["brackets that close nothing", "}]"],
    ["a line break in a string", '{"user":"a\nb"}', '{"user":"a'],
  ])("refuses %s alone", async (_, text, source = text) => {
    const { rows, error } = await readRows(`${textA}\n${text}\n${textA}\n${textB}\n${textA}\n${text}`, lines);
    expect(error).toBeUndefined();
    const values = rows.flatMap(({ content }) => ("value" in content ? [content.value] : []));
    expect(values).toEqual([a, a, b, a]);
    expect(rows[1]).toEqual({ line: 2, source, content: { fault: invalid } });
    expect(rows.at(-1)).toHaveProperty("content.fault");
  });

  test("a broken value of several lines is refused as a whole", async () => {
    const broken = '{\n  "b": {\n  "c": [\n    {"d": 1},\n    {"d"; 2}\n    {"d": 3}\n  ]\n}\n}';
    const { rows } = await readRows(`${pretty(a)}\n${broken}\n${pretty(b)}`, lines);
    expect(rows).toMatchObject([
      { line: 1, content: { value: a } },
      { line: 6, source: broken, content: { fault: invalid } },
      { line: 15, content: { value: b } },
    ]);
  });

  test("a value takes a MiB and 100 levels at most", async () => {
    const deep = "[".repeat(100_000);
    const full = JSON.stringify("x".repeat((1 << 20) - 2));
    const text = `${textA}\n${full}\n"x${full}\n${deep}${"]".repeat(100_000)}\n${deep}\n${`[\n`.repeat(1000)}${textB}`;
    const rows = await readContents(text, lines, 65_536);
    expect(rows.slice(0, 5)).toEqual([
      [1, a],
      [2, "x".repeat((1 << 20) - 2)],
      [3, "is longer than 1048576 bytes"],
      [4, "is nested deeper than 100 levels"],
      [5, invalid],
    ]);
    expect(rows.at(-1)).toEqual([1006, b]);
  });
});

const realm = {
  realm: "x",
  clients: [{ users: ["not a user"] }],
  'us"ers': [0],
  users: [a, b],
  components: {},
};

describe.each<[string, Layout]>([
  ["documents", documents],
  ["lines", lines],
])("rows of JSON documents, where the format has %s", (_, layout) => {
  test.each<[string, string, unknown[]]>([
    ["an array", JSON.stringify([a, b]), [a, b]],
    ["an array over several lines", pretty([a, b]), [a, b]],
    ["an empty array", " [ ] ", []],
    ["an object with rows", JSON.stringify(realm), [a, b]],
    ["an object with rows over several lines", pretty(realm), [a, b]],
    ["an object without rows", '{"users":[],"x":1}', []],
    ["an object with null for rows", '{"users" : null}', []],
    ["objects with rows", JSON.stringify([realm, { users: [] }, a, realm]), [a, b, a, a, b]],
    ["objects with rows one after another", `${pretty(realm)}\n${JSON.stringify(realm)}`, [a, b, a, b]],
    ["arrays one after another", `[1]\n${pretty([a, b])}[]`, [1, a, b]],
    ["values that are not objects", '[1,"]",[2,3],null,true]', [1, "]", [2, 3], null, true]],
  ])("reads %s", async (_name, text, values) => {
    expect((await readContents(text, layout, 1)).map(([, value]) => value)).toEqual(values);
  });

  test("rows have their lines and their text", async () => {
    const { rows } = await readRows(`\n{"users": [\n\n  ${textA},\n  {\n}, ${textB}]}`, layout);
    expect(rows.map(({ line, source }) => [line, source])).toEqual([
      [4, textA],
      [5, "{\n}"],
      [6, textB],
    ]);
  });

  test.each<[string, string]>([
    ["a trailing comma", '{"x":1,}'],
    ["a bracket that is missing", '{"x":{"y":1}'],
    ["brackets that are missing in an array", '{"x":[{"y":{"z":1},{"y":2}]}'],
    ["a bracket that closes another", '{"x":[1}'],
    ["a bracket too many", '{"x":1}}'],
    ["a string that is not closed", '{"x":"y\n}'],
    ["text", "hello"],
    ["text behind it", '{"x":1} hello'],
  ])("an element with %s is refused alone", async (_name, text) => {
    const { rows, error } = await readRows(`{"users":[${textA},\n${text},\n${textB},${textA}]}`, layout);
    expect(error).toBeUndefined();
    expect(rows.map(({ content }) => content)).toEqual([
      { value: a },
      { fault: invalid },
      { value: b },
      { value: a },
    ]);
    expect(rows[1]?.line).toBe(2);
  });

  test("an element that is too long or too deep is refused alone; objects with rows may be longer", async () => {
    const long = `{"x":"${"x".repeat(1 << 20)}"}`;
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const text = `[${textA},{"realm":${long},"users":[${long},\n${deep},${textB}],"x":${long}},\n${long},${textA}]`;
    expect(await readContents(text, layout, 65_536)).toEqual([
      [1, a],
      [1, "is longer than 1048576 bytes"],
      [2, "is nested deeper than 100 levels"],
      [2, b],
      [3, "is longer than 1048576 bytes"],
      [3, a],
    ]);
  });

  test.each([
    [`[${textA},\n${textB},\n{"x":`, "users: is cut off at line 3", 2],
    [`[${textA},\n${textB}\n\n`, "users: is cut off at line 2", 2],
    [`[${textA},\n`, "users: is cut off at line 2", 1],
    [`{"users":[${textA}],\n"x":`, "users: is cut off at line 2", 1],
    [`[${textA}]\nhello`, "users: line 2: is not JSON of the expected format", 1],
    [`{"users":[${textA}]}\n]`, "users: line 2: is not JSON of the expected format", 1],
  ])("of %j, says: %s", async (text, message, count) => {
    const { rows, error } = await readRows(text, layout);
    expect([rows.length, error]).toEqual([count, message]);
  });

  test.each(["", "\n \n", "\uFEFF", "[]", "[\n]"])("finds no rows in %j", async (text) => {
    expect(await readRows(text, layout)).toEqual({ rows: [], header: undefined, error: undefined });
  });
});

describe("rows of JSON documents only", () => {
  test.each([
    ['\n{"realm":"x","clients":[{"users":[1]}]}', 'users: line 2: has no "users"'],
    ['{"users":{"a":1}}', 'users: line 1: has no "users"'],
    ["hello", "users: line 1: is not JSON of the expected format"],
    ["1", "users: line 1: is not JSON of the expected format"],
  ])("refuses %j", async (text, error) => {
    expect(await readRows(text, documents)).toEqual({ rows: [], header: undefined, error });
  });

  test("a realm without users among others is not a row", async () => {
    expect(await readContents('[{"realm":"x"},{"username":"a"}]', documents)).toEqual([
      [1, { username: "a" }],
    ]);
  });
});
