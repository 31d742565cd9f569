import { z } from "zod";

/**
 * Turns the schema of a record into a schema for the driver's rows: column names become camelCase and null becomes
 * absent before the record's own schema parses the result.
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
