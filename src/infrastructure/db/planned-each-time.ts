import { sql } from "slonik";

/**
 * Ends a statement whose best plan depends on its parameters. A server may plan a prepared statement once for all
 * parameters after a few executions; the driver does not prepare one that ends so.
 */
export const plannedEachTime = sql.fragment`/* planned each time */`;

export function isPlannedEachTime(text: string): boolean {
  return text.includes(plannedEachTime.sql);
}
