import { z } from "zod";

/**
 * A schema for rows as the driver answers them, from one for the record that they stand for: names become camelCase and
 * null becomes absent, before the record's own schema parses it.
 */
export function fromColumns<Schema extends z.ZodType>(record: Schema) {
  return z.preprocess(camelCased, record);
}

function camelCased(row: unknown): unknown {
  const record: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row as object)) {
    if (value !== null) record[nameOf(column)] = value;
  }
  return record;
}

const names = new Map<string, string>();

function nameOf(column: string): string {
  const known = names.get(column);
  if (known !== undefined) return known;
  const name = column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  names.set(column, name);
  return name;
}
