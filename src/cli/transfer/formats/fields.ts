import { invalidField } from "../../../domain/errors.ts";
import { isInTimeRange } from "../../../domain/time-range.ts";
import { parseDateTime } from "../../../infrastructure/text/rfc3339.ts";

/**
 * Fields of a parsed row. Every reader treats null as missing, never converts a value of another type, and throws
 * INVALID_REQUEST with the path of the field: `within` (such as "traits.") and its name.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** @throws INVALID_REQUEST if the value is not an object */
export function objectOf(value: unknown, path = "the row"): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalidField("INVALID_REQUEST", path, "must be an object");
}

/** An object, empty if missing. @throws INVALID_REQUEST if it is not an object */
export function objectAt(fields: Fields, name: string, within = ""): Fields {
  return objectOf(fields[name] ?? {}, within + name);
}

/** A list, empty if missing. @throws INVALID_REQUEST if it is not a list */
export function listAt(fields: Fields, name: string, within = ""): readonly unknown[] {
  const value = fields[name] ?? [];
  if (Array.isArray(value)) return value;
  throw invalidField("INVALID_REQUEST", within + name, "must be a list");
}

/** A string, empty if missing. @throws INVALID_REQUEST if it is not a string */
export function textAt(fields: Fields, name: string, within = ""): string {
  const value = fields[name] ?? "";
  if (typeof value === "string") return value;
  throw invalidField("INVALID_REQUEST", within + name, "must be a string");
}

/** A list of strings, empty if missing. @throws INVALID_REQUEST if it is not a list of strings */
export function textsAt(fields: Fields, name: string, within = ""): readonly string[] {
  const list = listAt(fields, name, within);
  if (list.every((each) => typeof each === "string")) return list;
  throw invalidField("INVALID_REQUEST", within + name, "must be a list of strings");
}

/** A boolean, or "true" or "false" as text. @throws INVALID_REQUEST if it is neither */
export function flagAt(fields: Fields, name: string, ifMissing: boolean): boolean {
  const value = fields[name] ?? ifMissing;
  if (value === true || value === "true") return true;
  if (value === false || value === "false") return false;
  throw invalidField("INVALID_REQUEST", name, "must be true or false");
}

/**
 * A time in RFC 3339 with an offset; undefined if missing or empty.
 * @throws INVALID_REQUEST if it is not such a time
 */
export function timeAt(fields: Fields, name: string): Date | undefined {
  const value = fields[name] ?? "";
  if (value === "") return undefined;
  const time = typeof value === "string" ? parseDateTime(value) : undefined;
  return acceptTime(time, name, 'in RFC 3339 with an offset, such as "2021-03-04T05:06:07Z"');
}

/**
 * Whole milliseconds since 1970 (UTC); undefined if missing.
 * @param form "digits" also accepts them as text
 * @throws INVALID_REQUEST if it is not such a number
 */
export function unixMillisecondsAt(
  fields: Fields,
  name: string,
  form: "number" | "digits",
): Date | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  const isDigits = form === "digits" && typeof value === "string" && /^-?\d{1,15}$/.test(value);
  const isWhole = isDigits || Number.isInteger(value);
  return acceptTime(isWhole ? new Date(Number(value)) : undefined, name, "in milliseconds since 1970");
}

function acceptTime(time: Date | undefined, path: string, form: string): Date {
  if (time !== undefined && isInTimeRange(time)) return time;
  throw invalidField("INVALID_REQUEST", path, `must be a time of the years 1 to 9999 ${form}`);
}

/** The number of items that are not imported: items of a list, entries of an object, 1 for true. */
export function countOf(value: unknown): number {
  if (typeof value === "object" && value !== null) return Object.keys(value).length;
  return value === true || value === "true" ? 1 : 0;
}

/** The objects in a list that is not imported, so that its faults do not cause the row to be refused. */
export function objectsOf(value: unknown): readonly Fields[] {
  if (!Array.isArray(value)) return [];
  return value.filter((each): each is Fields => typeof each === "object" && each !== null);
}
