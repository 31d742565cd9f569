import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { csv, documents, lines, readRows } from "./read-rows.ts";

const columns = ["a", "b", "c"];
const character = fc.oneof(
  fc.constantFrom(..."\",\r\n\t ;'\u2028\u0085\uFEFF\uFFFD"),
  fc.string({ unit: "binary", maxLength: 2 }),
);
const value = fc.array(character, { maxLength: 6 }).map((parts) => parts.join("").replaceAll("\0", ""));
const record = fc.tuple(value, value, value).filter((fields) => fields.some((field) => /[^\t ]/.test(field)));
const isQuoted = (field: string, always: boolean) => always || /[",\r\n]/.test(field);

/** A record as a correct writer writes it. */
const written = (fields: readonly string[], always: boolean) =>
  fields.map((field) => (isQuoted(field, always) ? `"${field.replaceAll('"', '""')}"` : field)).join(",");

const valuesOf = ({ rows }: Awaited<ReturnType<typeof readRows>>) =>
  rows.map(({ content }) => ("value" in content ? content.value : content));

const json = fc.jsonValue({ maxDepth: 4 });
const row = fc.dictionary(fc.constantFrom("user", "users ", "a", '"', "[{"), json);
const isMarker = (value: object) => Object.keys(value).join() === "refused";

describe("any file", () => {
  test("of CSV is read as it was written, wherever its chunks end", async () => {
    const file = fc.record({
      records: fc.array(record, { maxLength: 6 }),
      always: fc.boolean(),
      lineBreak: fc.constantFrom("\n", "\r\n"),
      chunkBytes: fc.integer({ min: 1, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(file, async ({ records, always, lineBreak, chunkBytes }) => {
        const text = [columns.join(","), ...records.map((each) => written(each, always))].join(lineBreak);
        const expected = records.map((fields) =>
          Object.fromEntries(columns.map((name, n) => [name, fields[n]])),
        );
        expect(valuesOf(await readRows(text, csv, chunkBytes))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test("of CSV loses no other record to one that is damaged", async () => {
    const line = fc.constantFrom("1,2,3", '"x, y",,z', '"","a ""b""",c');
    const damage = fc.array(fc.constantFrom(...'",x '), { maxLength: 12 }).map((parts) => parts.join(""));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1 }),
        fc.array(line),
        damage,
        async (before, after, damaged) => {
          const { rows } = await readRows(["a,b,c", ...before, damaged, ...after].join("\n"), csv);
          const sources = rows.map(({ source }) => source);
          const isBlank = !/[^", ]/.test(damaged) && !sources.includes(damaged);
          // No line is lost: those that a quote takes for a value are in the text of their row.
          const text = [...before, ...(isBlank ? [] : [damaged]), ...after].join("\n");
          const swallowed = sources.filter((source) => source.includes("\n"));
          if (!isBlank || swallowed.length === 0) expect(sources.join("\n")).toBe(text);
          const values = valuesOf({ rows, header: undefined, error: undefined });
          const whole = valuesOf(await readRows(["a,b,c", ...before, ...after].join("\n"), csv));
          expect(values.slice(0, before.length)).toEqual(whole.slice(0, before.length));
          if (swallowed.length > 0 || after.length === 0) return;
          expect(values.slice(-after.length)).toEqual(whole.slice(before.length));
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([lines, documents])("of JSON is read as it was written: %j", async (layout) => {
    const file = fc.record({
      values: fc.array(
        row.filter((each) => !isMarker(each)),
        { minLength: 1, maxLength: 6 },
      ),
      space: fc.constantFrom(undefined, 1, "\t"),
      shape: fc.constantFrom("array", "object", "sequence"),
      chunkBytes: fc.integer({ min: 1, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(file, async ({ values, space, shape, chunkBytes }) => {
        const texts = values.map((each) => JSON.stringify(each, undefined, space));
        const asSequence = shape === "sequence" && layout === lines;
        const list = `[${texts.join(space === undefined ? "," : ",\n")}]`;
        const text = asSequence ? texts.join("\n") : shape === "array" ? list : `{"x":"[","users":${list}}`;
        const read = await readRows(text, layout, chunkBytes);
        expect(valuesOf(read)).toEqual(values.map((each) => JSON.parse(JSON.stringify(each))));
        expect(read.error).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test("of JSON lines loses no line to another one that is damaged", async () => {
    const line = fc.constantFrom('{"a":1}', '{"b":[{"c":"}"},[]]}', '{"d":{"e":"\\""}}');
    const good = fc.array(line, { minLength: 1, maxLength: 4 });
    const damage = fc.oneof(
      fc.tuple(line, fc.nat(20)).map(([text, length]) => text.slice(0, length)),
      fc
        .array(fc.constantFrom(...'{}[]",:1x\\'), { minLength: 1, maxLength: 9 })
        .map((parts) => parts.join("")),
    );
    await fc.assert(
      fc.asyncProperty(good, good, damage, async (before, after, damaged) => {
        const { rows, error } = await readRows([...before, damaged, ...after].join("\n"), lines);
        expect(error).toBeUndefined();
        const kept = new Map(rows.map(({ line: number, source }) => [number, source]));
        for (const [n, text] of before.entries()) expect(kept.get(n + 1)).toBe(text);
        for (const [n, text] of after.entries()) expect(kept.get(before.length + 2 + n)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test("of any bytes ends, and never with U+FFFD", async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .array(fc.constantFrom(...'{}[]",:1\n\r \\é'), { maxLength: 40 })
        .map((parts) => Buffer.from(parts.join(""), "latin1")),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(csv, lines, documents), async (file, layout) => {
        const whole = await readRows(Buffer.from(file), layout, 1 << 20);
        expect(await readRows(Buffer.from(file), layout, 1)).toEqual(whole);
        if (!Buffer.from(file).includes("\uFFFD") && ![0x1f, 0xfe, 0xff].includes(file[0] ?? 0))
          expect(JSON.stringify(whole)).not.toContain("\uFFFD");
      }),
      { numRuns: 1000 },
    );
  });
});
