import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Layout } from "../../../src/cli/transfer/files/layout.ts";
import { csv, documents, lines, type ReadFile, readRows } from "./read-rows.ts";

const names = ["Zoë", "Jürg 🦀", "\uFFFD", "\uFEFF", "Ada\u2028\u0085", "名前"];
const objects = names.map((name) => ({ name }));
const files: readonly (readonly [string, Layout, string])[] = [
  ["CSV", csv, `email,name\r\n${names.map((name) => `,"${name}"`).join("\r\n")}`],
  ["JSON lines", lines, objects.map((each) => JSON.stringify(each)).join("\n")],
  ["a JSON document", documents, JSON.stringify({ x: "é🦀", users: objects }, undefined, 2)],
];

const inUtf8 = (text: string) => Buffer.from(text);
const marked = (text: string) => Buffer.from(`\uFEFF${text}`);
const littleEndian = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");
const bigEndian = (text: string) => littleEndian(text).swap16();
const members = (text: string) =>
  Buffer.concat([gzipSync(text.slice(0, 9)), gzipSync(""), gzipSync(text.slice(9))]);

/** The rows of a file, without what differs between encodings. */
const same = ({ rows, header, error }: ReadFile) => ({ rows, header, error });

describe.each(files)("%s", (_, layout, text) => {
  test.each([
    ["UTF-8", inUtf8],
    ["UTF-8 with a byte order mark", marked],
    ["UTF-16LE", littleEndian],
    ["UTF-16BE", bigEndian],
    ["gzip", (each: string) => gzipSync(each)],
    ["gzip of several members", members],
    ["gzip of UTF-16", (each: string) => gzipSync(bigEndian(each))],
  ])("in %s has the same rows, wherever its chunks end", async (_encoding, encode) => {
    const expected = await readRows(text, layout, text.length);
    const found = expected.rows.map(({ content }) => ("value" in content ? content.value : content));
    expect(found).toMatchObject(objects);
    expect(expected.error).toBeUndefined();
    for (const chunkBytes of [1, 2, 3, 5, 1 << 20]) {
      expect(same(await readRows(encode(text), layout, chunkBytes))).toEqual(expected);
    }
  });

  test.each([
    ["UTF-16LE without a byte order mark", (each: string) => Buffer.from(each, "utf16le")],
    ["UTF-16BE without a byte order mark", (each: string) => Buffer.from(each, "utf16le").swap16()],
    ["UTF-32", (each: string) => Buffer.from(`${[..."\uFEFF", ...each].join("\0")}\0`, "utf16le")],
    ["UTF-32", (each: string) => Buffer.from([...each].join("\0\0\0"), "latin1")],
    ["a ZIP archive", () => Buffer.from("PK\x03\x04mimetype")],
    ["compressed", (each: string) => gzipSync(gzipSync(each))],
  ])("in %s is refused as a whole", async (what, encode) => {
    const { rows, error } = await readRows(encode(text), layout);
    expect(rows).toEqual([]);
    expect(error).toMatch(`users: looks like ${what}`);
  });

  test("of gzip that is cut off has the rows in front, and an error", async () => {
    // Stored, not compressed, so that every byte of the text is there or not.
    const whole = gzipSync(text, { level: 0 });
    const { rows } = await readRows(text, layout);
    for (const length of [10, 40, 90, whole.length - 9, whole.length - 1]) {
      const read = await readRows(whole.subarray(0, length), layout, 4);
      expect(read.error).toBe("users: the gzip file is cut off; copy it again");
      expect(read.rows).toEqual(rows.slice(0, read.rows.length));
      if (length >= whole.length - 9) expect(read.rows.length).toBeGreaterThan(rows.length - 2);
    }
  });

  test("of gzip that is damaged has the rows in front, and an error", async () => {
    const damaged = gzipSync(text, { level: 0 });
    damaged[damaged.length - 6]! ^= 1;
    const { rows, error } = await readRows(damaged, layout, 4);
    expect(error).toBe("users: the gzip file is damaged; copy it again");
    expect(rows.length).toBeGreaterThan(names.length - 2);
  });
});

test("gzip that is damaged at its end has the rows in front even if they are in one chunk", async () => {
  const damaged = gzipSync(`a\n${"1\n".repeat(20_000)}`);
  damaged[damaged.length - 6]! ^= 1;
  const { rows, error } = await readRows(damaged, csv, damaged.length);
  expect(error).toBe("users: the gzip file is damaged; copy it again");
  expect(rows.length).toBeGreaterThan(10_000);
});

describe("a row that is not UTF-8", () => {
  const latin1 = (text: string) => Buffer.from(text, "latin1");
  const good = { value: { a: "é", b: "" } };
  test.each<[string, Layout, Buffer, string]>([
    ["CSV", csv, Buffer.concat([inUtf8("\uFEFFa,b\né,\n"), latin1("x,\xe9\n"), inUtf8("é,")]), "x,é"],
    [
      "CSV over several lines",
      csv,
      Buffer.concat([inUtf8("\uFEFFa,b\né,\n"), latin1('"\n","\xe9"\n'), inUtf8("é,")]),
      '"\n","é"',
    ],
    [
      "JSON lines",
      lines,
      Buffer.concat([inUtf8('{"a":"é","b":""}\n'), latin1('"\xe9"\n'), inUtf8('{"a":"é","b":""}')]),
      '"é"',
    ],
    [
      "a JSON document",
      documents,
      Buffer.concat([
        latin1('{"\xe9":1,"users":['),
        inUtf8('{"a":"é","b":""},'),
        latin1('\n"\xe9",'),
        inUtf8('{"a":"é","b":""}]}'),
      ]),
      '"é"',
    ],
  ])("is refused alone: %s", async (_, layout, file, source) => {
    const { rows, error } = await readRows(file, layout);
    expect(error).toBeUndefined();
    expect(rows.map(({ content }) => content)).toEqual([
      good,
      { fault: `not UTF-8 at byte ${file.lastIndexOf(0xe9)}, looks like Latin-1` },
      good,
    ]);
    expect(rows[1]).toMatchObject({ source, decodedAs: "Latin-1" });
  });

  test("is shown in Windows-1252 if that is likely, and never with U+FFFD", async () => {
    const file = Buffer.concat([latin1("a\n\x93x\x94\n"), Buffer.from([0x79, 0xed, 0xa0, 0xbd])]);
    const { rows } = await readRows(file, csv);
    expect(rows).toMatchObject([
      {
        source: "“x”",
        decodedAs: "Windows-1252",
        content: { fault: "not UTF-8 at byte 2, looks like Windows-1252" },
      },
      { source: "y\0\0\0", content: { fault: "not UTF-8 at byte 7, looks like CESU-8" } },
    ]);
  });

  test.each([
    ["UTF-16LE", littleEndian],
    ["UTF-16BE", bigEndian],
  ])("is one with half a surrogate pair in %s, or half a character at the end", async (encoding, encode) => {
    const cut = Buffer.concat([encode("a\nx\ny\ud83d\n\udc00\n🦀\nz"), Buffer.from([0x41])]);
    const fault = `not ${encoding}: half a surrogate pair`;
    for (const chunkBytes of [1, 2, 3, 1000]) {
      const { rows } = await readRows(cut, csv, chunkBytes);
      expect(rows.map(({ content }) => content)).toEqual([
        { value: { a: "x" } },
        { fault },
        { fault },
        { value: { a: "🦀" } },
        { fault },
      ]);
    }
  });
});
