import { type CommonQueryMethods, sql } from "slonik";
import { z } from "zod";
import { StartError } from "../process/start-error.ts";
import { missingRights, type TableRight } from "./schema/table-rights.ts";
import { databaseError, serverFailure, sqlState } from "./sql-state.ts";

/** The role that this process is connected as, and its rights on the schema. Names are quoted as SQL identifiers. */
export interface DatabaseRole {
  readonly name: string;
  readonly schema: string;
  readonly mayUse: boolean;
  readonly mayCreate: boolean;
}

const roleRow = z.object({
  name: z.string(),
  schema: z.string(),
  may_use: z.boolean(),
  may_create: z.boolean(),
});

export async function describeRole(connection: CommonQueryMethods): Promise<DatabaseRole> {
  const row = await connection.one(sql.type(roleRow)`
    select
      current_user::text as name,
      coalesce(current_schema()::text, 'public')::text as schema,
      (current_schema() is not null)::bool as may_use,
      coalesce(has_schema_privilege(current_schema()::text, 'create'), false)::bool as may_create
  `);
  return {
    name: quoted(row.name),
    schema: quoted(row.schema),
    mayUse: row.may_use,
    mayCreate: row.may_create,
  };
}

const missingRow = z.object({ table_name: z.string(), table_right: z.string(), found: z.boolean() });

/** Finds the rights that the role lacks on existing tables, by table. */
export async function findMissingRights(connection: CommonQueryMethods): Promise<Map<string, TableRight[]>> {
  const rows = await connection.any(sql.type(missingRow)`${missingRights}`);
  const missing = new Map<string, TableRight[]>();
  for (const { table_name: table, table_right: right } of rows.filter(({ found }) => found)) {
    missing.set(table, [...(missing.get(table) ?? []), right as TableRight]);
  }
  return missing;
}

/** Builds the GRANT statements for missing table rights. Tables that lack the same rights share one statement. */
export function grantsOf(missing: ReadonlyMap<string, readonly TableRight[]>, role: DatabaseRole): string[] {
  const tables = Map.groupBy(missing.keys(), (table) => missing.get(table)?.join(", ").toUpperCase() ?? "");
  return [...tables].map(
    ([rights, names]) =>
      `GRANT ${rights} ON ${names.map((name) => `${role.schema}.${name}`).join(", ")} TO ${role.name};`,
  );
}

/** Builds the statement that grants the role use of the schema, or also the right to create tables in it. */
export function schemaGrant(role: DatabaseRole, rights: "USAGE" | "USAGE, CREATE"): string {
  return `GRANT ${rights} ON SCHEMA ${role.schema} TO ${role.name};`;
}

/**
 * Turns an error of a migration, or of a check for pending migrations, into a StartError that tells the operator what
 * to do. Errors that the server's state does not explain are returned unchanged.
 */
export async function explainMigrationError(
  connection: CommonQueryMethods,
  error: unknown,
): Promise<unknown> {
  const failure = serverFailure(error);
  if (failure === undefined || error instanceof StartError) return error;
  return new StartError(await sentenceOf(connection, error, failure === "read-only"), { cause: error });
}

async function sentenceOf(
  connection: CommonQueryMethods,
  error: unknown,
  isReadOnly: boolean,
): Promise<string> {
  if (isReadOnly) {
    return "cannot migrate a read-only database; connect to the primary, or turn default_transaction_read_only off";
  }
  const { code, message } = databaseError(error) ?? {};
  const isRights = code === sqlState.insufficientPrivilege || code === sqlState.invalidSchemaName;
  if (!isRights) return `cannot migrate the database: ${message}`;
  const role = await describeRole(connection);
  const as = `run as the schema's owner: ${schemaGrant(role, "USAGE, CREATE")}`;
  if (!role.mayUse) return `the role ${role.name} has no access to the schema ${role.schema}; ${as}`;
  const missing = await findMissingRights(connection);
  if (missing.has("migrations")) {
    const only = new Map([["migrations", missing.get("migrations") ?? []]]);
    return `the role ${role.name} cannot read the table of migrations; run as the table's owner: ${grantsOf(only, role).join(" ")}`;
  }
  if (!role.mayCreate) {
    return `the role ${role.name} cannot create tables in the schema ${role.schema}; ${as}`;
  }
  return `the role ${role.name} cannot migrate the database: ${message}; run \`auth migrate\` as the role that owns the tables`;
}

/** Quotes a name as an SQL identifier. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
