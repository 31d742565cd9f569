import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import { isPostgresOnly } from "../../src/infrastructure/db/postgres-only.ts";
import { allRules } from "./rules/all-rules.ts";
import type { Schema } from "./rules/rule.ts";
import { list, nodeOf, nodesOf, parse, type Statement } from "./rules/syntax-tree.ts";
import { everyStatement } from "./statements.ts";

/** Every statement that the service sends, on PostgreSQL's own syntax tree, against what CockroachDB would say to it. */
describe("SQL that CockroachDB would take", () => {
  let statements: Statement[];
  let schema: Schema;

  beforeAll(async () => {
    await loadModule();
    const every = await everyStatement();
    // What is for PostgreSQL only says so.
    expect(every.filter(isPostgresOnly)).toHaveLength(3);
    statements = every.filter((statement) => !isPostgresOnly(statement)).map(parse);
    schema = { nullableColumns: nullableColumns(statements) };
  }, 120_000);

  test("there are statements of every kind, and columns that can be null", () => {
    const kinds = new Set(statements.flatMap(({ roots }) => roots.map(({ type }) => type)));
    expect([...kinds].sort()).toEqual([
      "AlterTableStmt",
      "CreateStmt",
      "DeleteStmt",
      "IndexStmt",
      "InsertStmt",
      "SelectStmt",
      "TransactionStmt",
      "UpdateStmt",
    ]);
    expect(statements.length).toBeGreaterThan(450);
    expect(schema.nullableColumns).toContain("suspend_until_time");
    expect(schema.nullableColumns).not.toContain("create_time");
  });

  test.each(allRules)("$name", (rule) => {
    const breaking = statements.filter((statement) => rule.breaks(statement, schema));
    expect(breaking.map(({ text }) => text)).toEqual([]);
  });

  test.each(allRules.flatMap((rule) => rule.controls.map((control) => ({ rule, name: rule.name, control }))))(
    "control: $name: $control",
    ({ rule, control }) => {
      expect(rule.breaks(parse(control), schema)).toBe(true);
    },
  );

  test.each([
    "update users set version = 1 order by id limit 1",
    "delete from users order by id limit 1",
    "upsert into users (id) values ($1)",
  ])("control: what only CockroachDB takes is refused by the parser: %s", (statement) => {
    expect(() => parse(statement)).toThrow("syntax error");
  });
});

/** Columns that some table does not declare as not null. */
function nullableColumns(statements: readonly Statement[]): Set<string> {
  // Not those of a `jsonb_to_recordset`.
  const columns = statements
    .filter(({ roots }) => roots.some(({ type }) => type === "CreateStmt" || type === "AlterTableStmt"))
    .flatMap((statement) => nodesOf(statement, "ColumnDef"));
  return new Set(
    columns
      .filter(
        ({ constraints }) =>
          !list(constraints).some((constraint) => nodeOf(constraint)?.fields["contype"] === "CONSTR_NOTNULL"),
      )
      .map(({ colname }) => String(colname)),
  );
}
