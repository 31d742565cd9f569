import { type CommonQueryMethods, sql } from "slonik";
import { z } from "zod";
import { postgresOnly } from "./postgres-only.ts";
import { tableRights } from "./schema/table-rights.ts";

const ownerRow = z.object({ name: z.string() });

/**
 * Finds the PostgreSQL tables that the role may not alter, because neither it nor a role it is a member of owns them.
 */
export async function findForeignTables(connection: CommonQueryMethods): Promise<string[]> {
  const rows = await connection.any(sql.type(ownerRow)`
    select tables.relname::text as name
    from pg_class as tables
    where tables.oid = any(
      select to_regclass(names.name)::oid
      from unnest(${sql.array(Object.keys(tableRights), "text")}) as names (name)
    )
      and not pg_has_role(tables.relowner, 'usage')
    order by tables.relname
    ${postgresOnly}
  `);
  return rows.map(({ name }) => name);
}
