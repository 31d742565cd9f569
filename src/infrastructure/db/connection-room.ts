import { type CommonQueryMethods, sql } from "slonik";
import { z } from "zod";
import { postgresOnly } from "./postgres-only.ts";

/** How many connections services may hold on a PostgreSQL server, given the connections that others hold now. */
export interface ConnectionRoom {
  readonly connections: number;
  /** The limit that leaves the fewest connections. */
  readonly limitedBy:
    | "the server's max_connections"
    | "the role's CONNECTION LIMIT"
    | "the database's CONNECTION LIMIT";
}

const roomRow = z.object({
  server_limit: z.int(),
  role_limit: z.int(),
  database_limit: z.int(),
  others: z.int(),
  others_of_role: z.int(),
  others_of_database: z.int(),
});

/**
 * Connections to this database named "auth" belong to services and their commands, so they do not count as others'.
 */
export async function findConnectionRoom(connection: CommonQueryMethods): Promise<ConnectionRoom> {
  const row = await connection.one(sql.type(roomRow)`
    select
      (
        current_setting('max_connections')::int8
        - current_setting('superuser_reserved_connections')::int8
        - coalesce(current_setting('reserved_connections', true)::int8, 0)
      )::int8 as server_limit,
      (select rolconnlimit from pg_roles where rolname = current_user)::int8 as role_limit,
      (select datconnlimit from pg_database where datname = current_database())::int8 as database_limit,
      count(*)::int8 as others,
      count(*) filter (where usename = current_user)::int8 as others_of_role,
      count(*) filter (where datname = current_database())::int8 as others_of_database
    from pg_stat_activity
    where usename is not null
      and (application_name <> 'auth' or datname is distinct from current_database())
    ${postgresOnly}
  `);
  const rooms: ConnectionRoom[] = [
    { limitedBy: "the server's max_connections", connections: row.server_limit - row.others },
    ...limited("the role's CONNECTION LIMIT", row.role_limit, row.others_of_role),
    ...limited("the database's CONNECTION LIMIT", row.database_limit, row.others_of_database),
  ];
  return rooms.reduce((least, room) => (room.connections < least.connections ? room : least));
}

/** A negative limit (-1) means unlimited and yields no entry. */
function limited(limitedBy: ConnectionRoom["limitedBy"], limit: number, others: number): ConnectionRoom[] {
  return limit < 0 ? [] : [{ limitedBy, connections: limit - others }];
}
