import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { parseDateTime, parseDay } from "../../../src/infrastructure/text/rfc3339.ts";

describe("a date-time of RFC 3339", () => {
  test.each([
    ["2021-03-04T05:06:07Z", "2021-03-04T05:06:07.000Z"],
    ["2021-03-04t05:06:07z", "2021-03-04T05:06:07.000Z"],
    ["2021-03-04T05:06:07+05:30", "2021-03-03T23:36:07.000Z"],
    ["2021-03-04T05:06:07-00:00", "2021-03-04T05:06:07.000Z"],
    ["2021-03-04T00:06:07+23:59", "2021-03-03T00:07:07.000Z"],
    ["2021-03-04T05:06:07.1Z", "2021-03-04T05:06:07.100Z"],
    ["2021-03-04T05:06:07.123999999999Z", "2021-03-04T05:06:07.123Z"],
    ["1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
    ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ])("%s", (text, expected) => {
    expect(parseDateTime(text)?.toISOString()).toBe(expected);
  });

  test.each([
    ["no offset", "2021-03-04T05:06:07"],
    ["a space for the T, no offset", "2021-03-04 05:06:07"],
    ["a space for the T", "2021-03-04 05:06:07Z"],
    ["a day", "2021-03-04"],
    ["no seconds", "2021-03-04T05:06Z"],
    ["31 February", "2021-02-31T00:00:00Z"],
    ["29 February of another year", "2021-02-29T00:00:00Z"],
    ["29 February 1900", "1900-02-29T00:00:00Z"],
    ["31 April", "2021-04-31T00:00:00Z"],
    ["month 13", "2021-13-01T00:00:00Z"],
    ["month 0", "2021-00-10T00:00:00Z"],
    ["day 0", "2021-03-00T00:00:00Z"],
    ["25 o'clock", "2021-03-04T25:00:00Z"],
    ["24:00", "2021-03-04T24:00:00Z"],
    ["minute 60", "2021-03-04T05:60:00Z"],
    ["a leap second", "2016-12-31T23:59:60Z"],
    ["an offset of 99 hours", "2021-03-04T05:06:07+99:00"],
    ["an offset of 24 hours", "2021-03-04T05:06:07+24:00"],
    ["an offset of 60 minutes", "2021-03-04T05:06:07+01:60"],
    ["an offset without a colon", "2021-03-04T05:06:07+0100"],
    ["a name of a time zone", "2021-03-04T05:06:07 UTC"],
    ["a fraction without digits", "2021-03-04T05:06:07.Z"],
    ["a comma", "2021-03-04T05:06:07,5Z"],
    ["seconds since 1970", "1609459200"],
    ["text that Date reads", "n/a 2"],
    ["text that Date reads as local time", "Mar 4 2021 05:06:07"],
    ["a year of five digits", "+12021-03-04T05:06:07Z"],
    ["a line break behind it", "2021-03-04T05:06:07Z\n"],
    ["a space in front", " 2021-03-04T05:06:07Z"],
    ["other digits", "２０２１-03-04T05:06:07Z"],
    ["nothing", ""],
  ])("not %s: %s", (_, text) => {
    expect(parseDateTime(text)).toBeUndefined();
  });

  test("does not depend on the time zone of the machine", () => {
    const path = new URL("../../../src/infrastructure/text/rfc3339.ts", import.meta.url).href;
    const program = `import { parseDateTime, parseDay } from ${JSON.stringify(path)};
      const texts = ["2021-03-04T05:06:07Z", "2021-03-04T05:06:07", "2021-03-04 05:06:07"];
      console.log(JSON.stringify([...texts.map(parseDateTime), parseDay("2021-03-14")]));`;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
      env: { TZ: "America/New_York" },
      encoding: "utf8",
    });
    expect(JSON.parse(output)).toEqual(["2021-03-04T05:06:07.000Z", null, null, "2021-03-14T00:00:00.000Z"]);
  });
});

test("a day begins at midnight UTC, if the calendar has it", () => {
  expect(parseDay("2027-01-31")).toEqual(new Date("2027-01-31T00:00:00Z"));
  for (const text of ["2027-02-29", "2027-02-31", "2027-00-01", "2027-1-31", "2027-01-31T", ""]) {
    expect(parseDay(text), text).toBeUndefined();
  }
});
