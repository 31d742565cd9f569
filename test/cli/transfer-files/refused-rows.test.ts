import { describe, expect, test } from "vitest";
import type { Layout } from "../../../src/cli/transfer/files/layout.ts";
import { refusedRows } from "../../../src/cli/transfer/files/refused-rows.ts";
import { csv, documents, lines, readRows } from "./read-rows.ts";

/** A report of all rows of a file. */
async function reportOf(file: string | Buffer, layout: Layout, chunkBytes = 7): Promise<string> {
  const { rows, header } = await readRows(file, layout, chunkBytes);
  const { start, refused, end } = refusedRows(layout, header);
  const texts = rows.map((row) => refused({ row, reason: "EMAIL_TAKEN", message: 'is "taken",\nhere' }));
  return start + texts.join("") + end;
}

describe("a report of refused rows", () => {
  test("of CSV has three columns in front", async () => {
    expect(await reportOf('email,name\r\na,"A\r\nB"\r\nb,6" c\r\nc,"open\r\n', csv)).toBe(
      [
        "refused_line,refused_reason,refused_message,email,name",
        '2,"EMAIL_TAKEN","is ""taken"", here",a,"A\r\nB"',
        '4,"EMAIL_TAKEN","is ""taken"", here",b,6" c',
        '5,"EMAIL_TAKEN","is ""taken"", here",c,"open\n',
      ].join("\n"),
    );
  });

  test("of JSON lines has a line in front of each row", async () => {
    expect(await reportOf('{"a":1}\n\n{"a"\n', lines)).toBe(
      [
        '{"refused":{"line":1,"reason":"EMAIL_TAKEN","message":"is \\"taken\\",\\nhere"}}',
        '{"a":1}',
        '{"refused":{"line":3,"reason":"EMAIL_TAKEN","message":"is \\"taken\\",\\nhere"}}',
        '{"a"\n',
      ].join("\n"),
    );
  });

  test("of a document is an array with an object in front of each row", async () => {
    expect(JSON.parse(await reportOf('{"realm":"x","users":[{"a":1},\n{"a":2}]}', documents))).toEqual([
      { refused: expect.any(String) },
      { refused: { line: 1, reason: "EMAIL_TAKEN", message: 'is "taken",\nhere' } },
      { a: 1 },
      { refused: { line: 2, reason: "EMAIL_TAKEN", message: 'is "taken",\nhere' } },
      { a: 2 },
    ]);
    expect(JSON.parse(await reportOf("[]", documents))).toHaveLength(1);
  });

  test("states what was done to rows that were not UTF-8", async () => {
    const report = await reportOf(Buffer.from("a\nZo\xeb\n", "latin1"), csv);
    expect(report).toContain('here; written here as read from Latin-1: check it",Zoë\n');
  });

  test.each<[string, Layout, string]>([
    ["CSV", csv, 'a,b\n1,"2\n3"\n4,6" x\n7\n8,9,10\n"x"y,z\n5,6\n7,"open\n'],
    ["JSON lines", lines, '{"a":1}\n{"a":\nhello\n{"a":"x\n{"a":2}'],
    ["JSON values of several lines", lines, '{\n  "a": 1\n}\n{\n  "a": [\n    {"b": 1}x\n}\n{\n  "a": 2\n}'],
    ["an array of several lines", lines, '[\n  {\n    "a": 1\n  },\n  {\n    "a";\n  },\n  {\n  }\n]'],
    [
      "a document",
      documents,
      '{"users":[\n{"a":1},{"b":1,},\n{"c":[{"d":1},{"e":1]},{"a":\n2},{"x":1} hello]}',
    ],
  ])("of %s is read again as the same rows, and so is the report of that", async (_, layout, text) => {
    const { rows, header } = await readRows(text, layout);
    const report = await reportOf(text, layout);
    const again = await readRows(report, layout);
    const withoutLines = rows.map(({ source, content }) => ({ source, content: outcome(content) }));
    expect(again.rows.map(({ source, content }) => ({ source, content: outcome(content) }))).toEqual(
      withoutLines,
    );
    expect([again.header, again.error]).toEqual([header, undefined]);
    expect((await readRows(await reportOf(report, layout), layout)).rows).toEqual(again.rows);
  });

  test("can be repaired", async () => {
    const report = await reportOf('email,name\na,Ada\nb,6" ruler\n', csv);
    const { rows } = await readRows(report.replace('6" ruler', '"6"" ruler"'), csv);
    expect(rows.map(({ content }) => content)).toEqual([
      { value: { email: "a", name: "Ada" } },
      { value: { email: "b", name: '6" ruler' } },
    ]);
  });

  test("has no row for one that was too long", async () => {
    const long = "x".repeat((1 << 20) + 1);
    const ofJson = await reportOf(`{"a":"${long}"}\n{"a":1}`, lines, 65_536);
    expect((await readRows(ofJson, lines, 65_536)).rows).toMatchObject([{ source: '{"a":1}' }]);
    const ofCsv = await reportOf(`a,b\n${long}\n1,2\n`, csv, 65_536);
    expect((await readRows(ofCsv, csv, 65_536)).rows).toMatchObject([
      { content: { fault: "has 4 fields, the header has 5" } },
      { content: { value: { a: "1", b: "2" } } },
    ]);
  });

  test("may have its columns removed, in part or moved", async () => {
    const { rows } = await readRows("a,refused_reason,b,refused_line\n1,X,2,3\n", csv);
    expect(rows.map(({ content }) => content)).toEqual([{ value: { a: "1", b: "2" } }]);
  });
});

/** Counts in messages include the columns of the report. */
function outcome(content: object): unknown {
  return "fault" in content ? String(content.fault).replaceAll(/\d+ fields?|\d+/g, "N") : content;
}
