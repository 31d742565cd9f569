import { sql } from "slonik";

/** Appended to a statement that is only sent to PostgreSQL and need not be valid on CockroachDB. */
export const postgresOnly = sql.fragment`/* PostgreSQL only */`;

export function isPostgresOnly(text: string): boolean {
  return text.includes(postgresOnly.sql);
}
