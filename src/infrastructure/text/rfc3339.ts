const day = /^\d{4}-\d\d-\d\d$/;
const dateTime =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

/** A full-date of RFC 3339 §5.6 ("2027-01-31") at midnight UTC, or undefined if the day does not exist. */
export function parseDay(text: string): Date | undefined {
  if (!day.test(text)) return undefined;
  const midnight = new Date(`${text}T00:00:00Z`);
  // Date reads 31 February as 3 March.
  return midnight.getUTCDate() === Number(text.slice(8)) ? midnight : undefined;
}

/**
 * A date-time of RFC 3339 §5.6 ("2027-01-31T12:00:00.5+01:00"), or undefined. The offset is required, "T" and "Z" may
 * be lower case, and a space is not accepted for "T". Digits beyond milliseconds are dropped. Leap seconds are refused:
 * Unix time does not have them.
 */
export function parseDateTime(text: string): Date | undefined {
  const [, date = "", fraction = ""] = dateTime.exec(text) ?? [];
  if (parseDay(date) === undefined) return undefined;
  return new Date(text.replace(fraction, fraction.slice(0, 4)).toUpperCase());
}
