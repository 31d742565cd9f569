import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { invalidField } from "../../domain/errors.ts";
import { isInTimeRange, latestMs } from "../../domain/time-range.ts";

/**
 * Converts a timestamp to a date, rounded down to the millisecond. protobuf-es rounds to the nearest one, which may be
 * in the year 10000.
 * @throws INVALID_REQUEST if the timestamp is not a time from year 1 to 9999
 */
export function toDate(timestamp: Timestamp, field: string): Date {
  return new Date(toMs(timestamp, field, Math.floor));
}

/**
 * Converts the bound of a filter on times. Stored times are in whole milliseconds, so the bound is rounded up to divide
 * them as the timestamp does.
 * @throws INVALID_REQUEST if the timestamp is not a time from year 1 to 9999
 */
export function toBound(timestamp: Timestamp, field: string): Date {
  return new Date(Math.min(toMs(timestamp, field, Math.ceil), latestMs));
}

function toMs({ seconds, nanos }: Timestamp, field: string, rounded: (ms: number) => number): number {
  const wholeMs = Number(seconds) * 1_000;
  if (nanos < 0 || nanos > 999_999_999 || !isInTimeRange(new Date(wholeMs))) {
    throw invalidField(
      "INVALID_REQUEST",
      field,
      "must be a time from year 1 to 9999, with 0 to 999,999,999 nanos",
    );
  }
  return wholeMs + rounded(nanos / 1_000_000);
}
