import { sql } from "slonik";

/**
 * Appended to a statement whose best plan depends on its parameters. After a few executions a server may keep one
 * plan of a prepared statement for all parameters, so the driver does not prepare a statement that ends this way.
 */
export const plannedEachTime = sql.fragment`/* planned each time */`;

export function isPlannedEachTime(text: string): boolean {
  return text.includes(plannedEachTime.sql);
}
