import { describe, expect, test } from "vitest";
import { csv, readContents, readRows } from "./read-rows.ts";

const behindQuote = expect.stringMatching(/^has text behind a closing quote; double the quotes/);
const insideValue = expect.stringMatching(/^has a quote inside an unquoted value; quote the value/);
const neverCloses = expect.stringMatching(/^opens a quote that never closes; close it/);
const closesLater = expect.stringMatching(/^opens a quote that does not close on its line/);

describe("rows of CSV", () => {
  test.each<[string, string, [number, unknown][]]>([
    [
      "plain values",
      "1,2\n3,4",
      [
        [2, { a: "1", b: "2" }],
        [3, { a: "3", b: "4" }],
      ],
    ],
    ["quoted values", '"1,""x""",""\n', [[2, { a: '1,"x"', b: "" }]]],
    [
      "values of several lines",
      '"1\r\n\n2","3\n"\n4,5\n',
      [
        [2, { a: "1\r\n\n2", b: "3\n" }],
        [6, { a: "4", b: "5" }],
      ],
    ],
    [
      "lines that end with CR LF",
      '1,2\r\n"3","4"\r\n',
      [
        [2, { a: "1", b: "2" }],
        [3, { a: "3", b: "4" }],
      ],
    ],
    ["spaces, which belong to values", " 1, 2 \n", [[2, { a: " 1", b: " 2 " }]]],
    [
      "separators that are not line feeds",
      "1\u2028\u2029\u0085\v\f,2\r3\n",
      [[2, { a: "1\u2028\u2029\u0085\v\f", b: "2\r3" }]],
    ],
    [
      "blank lines and empty records",
      "\n \n,\n1,2\n\n,,,\n3,4\n\n",
      [
        [5, { a: "1", b: "2" }],
        [8, { a: "3", b: "4" }],
      ],
    ],
  ])("reads %s", async (_, text, rows) => {
    expect(await readContents(`a,b\n${text}`, csv)).toEqual(rows);
  });

  test.each<[string, string, number, unknown, string?]>([
    [
      "more fields than the header",
      "1,2,3,4",
      2,
      "has 4 fields, the header has 2; quote values that contain commas",
    ],
    ["fewer fields than the header", "1", 2, "has 1 field, the header has 2"],
    ["a quote inside a value", '1,6" ruler', 2, insideValue],
    ["a quote behind a space", '1, "2"', 2, insideValue],
    ["text behind a closing quote", '1,"2"3', 2, behindQuote],
    ["a space behind a closing quote", '"1" ,2', 2, behindQuote],
    ["a quote that never closes", '1,"2', 2, neverCloses],
    ["a quote that never closes, in the first value", '"1,2\r', 2, neverCloses, '"1,2'],
    ["a quote that never closes, in the second line", '"1\n2","3', 3, neverCloses],
    ["a value of several lines and too many fields", '"1\n2",3,4', 2, expect.stringMatching(/^has 3 fields/)],
  ])("refuses a row with %s alone", async (_, text, line, fault, source = text) => {
    const { rows, error } = await readRows(`a,b\n${text}\ngood,row\n`, csv);
    expect(error).toBeUndefined();
    expect(rows).toHaveLength(2);
    expect(rows[0]).toEqual({ line, source, content: { fault } });
    expect(rows[1]?.content).toEqual({ value: { a: "good", b: "row" } });
  });

  test("a quote that closes where another value begins swallows no line", async () => {
    expect(await readContents('a,b\n1,"2\n3,4\n5,"6, 7"\n8,"9\n0,""\n', csv)).toEqual([
      [2, closesLater],
      [3, { a: "3", b: "4" }],
      [4, { a: "5", b: "6, 7" }],
      [5, neverCloses],
      [6, { a: "0", b: "" }],
    ]);
  });

  test("a record takes a MiB at most, and one that is longer is refused alone", async () => {
    const long = "x".repeat(1 << 20);
    const text = `a,b\n1,2\n${long},3\n4,"5\n${`${"y".repeat(1000)}\n`.repeat(1100)}6,7\n`;
    const { rows } = await readRows(text, csv, 65_536);
    const read = rows.filter(
      ({ content }) => !("fault" in content && content.fault.startsWith("has 1 field")),
    );
    expect(read).toMatchObject([
      { line: 2, source: "1,2" },
      { line: 3, source: "", content: { fault: "is longer than 1048576 bytes" } },
      { line: 4, source: '4,"5', content: { fault: neverCloses } },
      { line: 1105, source: "6,7", content: { value: { a: "6", b: "7" } } },
    ]);
  });

  test.each([
    ["", 0],
    ["\n\n", 0],
    ["\uFEFF", 0],
    ["a,b", 0],
    ["\na,b\n\n", 0],
    ["\uFEFFa,b\n1,2", 1],
    [' a ,"b"\r\n1,2', 1],
  ])("finds in %j no more than the rows that are there: %i", async (text, count) => {
    const { rows, error } = await readRows(text, csv);
    expect([rows.length, error]).toEqual([count, undefined]);
    if (count > 0) expect(rows[0]?.content).toEqual({ value: { a: "1", b: "2" } });
  });

  test.each([
    ["a,b, a", 'users: line 1: header names columns 1 and 3 both "a"; rename or remove one'],
    ["a,,b", "users: line 1: header has no name for column 2; name it or remove the column"],
    [
      "\na;b",
      "users: line 2: header has semicolons between its columns; separate the columns of the file by commas",
    ],
    [
      "a\tb",
      "users: line 1: header has tabs between its columns; separate the columns of the file by commas",
    ],
    ["a\rb,c\r1,2", "users: line 1: header has carriage returns; end lines with line feeds"],
    [
      'a,"b',
      "users: line 1: header opens a quote that never closes; close it or double the quotes inside the value",
    ],
    [Buffer.from("a,\xfc\n", "latin1"), "users: line 1: header is not UTF-8 at byte 2, looks like Latin-1"],
  ])("refuses the header %j", async (text, message) => {
    expect(await readRows(text, csv)).toEqual({ rows: [], header: undefined, error: message });
  });

  test("a column may have the name of a property that objects have", async () => {
    expect(await readContents("__proto__,constructor\n1,2\n", csv)).toEqual([
      [
        2,
        Object.fromEntries([
          ["__proto__", "1"],
          ["constructor", "2"],
        ]),
      ],
    ]);
  });
});
