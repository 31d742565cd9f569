import { sql } from "slonik";

/** Ends a statement that is sent to PostgreSQL only: CockroachDB need not take it. */
export const postgresOnly = sql.fragment`/* PostgreSQL only */`;

export function isPostgresOnly(text: string): boolean {
  return text.includes(postgresOnly.sql);
}
