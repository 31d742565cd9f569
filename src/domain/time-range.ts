/** 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: the range of google.protobuf.Timestamp, in milliseconds. */
export const earliestMs = -62_135_596_800_000;
export const latestMs = 253_402_300_799_999;

/** Whether google.protobuf.Timestamp can represent a date. */
export function isInTimeRange(date: Date): boolean {
  const ms = date.getTime();
  return ms >= earliestMs && ms <= latestMs;
}
