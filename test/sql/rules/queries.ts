import { comparisons, hasOneType, outputsOf } from "./outputs.ts";
import { type Rule, without } from "./rule.ts";
import { lastName, list, nameParts, nodeOf, nodesOf } from "./syntax-tree.ts";

const knownFunctions = new Set([
  "now",
  "clock_timestamp",
  // As the parser reads `extract (… from …)`. Its result is a number of another type there: cast.
  "pg_catalog.extract",
  "unnest",
  "jsonb_agg",
  "jsonb_to_recordset",
  "jsonb_build_array",
  "count",
  // INT8 on both: CockroachDB's documentation, window functions.
  "row_number",
  "version",
  "current_setting",
  "set_config",
  "current_schema",
  // Of the role's rights.
  "has_schema_privilege",
  "has_table_privilege",
  "to_regclass",
  // Of the migration of attribute keys. Its patterns mean the same in RE2, which CockroachDB uses.
  "bool_or",
  "jsonb_each",
  "jsonb_object_agg",
  "jsonb_object_keys",
  "regexp_replace",
]);
const knownOperators = new Set(["=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "||", "~~"]);
const systemColumns = new Set(["xmin", "xmax", "cmin", "cmax", "ctid", "tableoid", "oid"]);

/** What a query says. */
export const queries: readonly Rule[] = [
  {
    name: "columns are listed",
    reason: "after a schema change a prepared `select *` fails with 0A000, and hidden columns differ",
    source: "CockroachDB's documentation, cached plans",
    breaks: (statement) => nodesOf(statement, "ColumnRef").some(({ fields }) => lastName(fields) === "*"),
    controls: ["select * from users", "select users.* from users", "delete from users returning *"],
  },
  {
    name: "an insert lists its columns",
    reason: "the order of columns is not the same after columns were added",
    source: "our style",
    breaks: (statement) => nodesOf(statement, "InsertStmt").some(({ cols }) => list(cols).length === 0),
    controls: ["insert into leases values ($1, $2, now())"],
  },
  {
    name: "computed outputs have a cast",
    reason: "length and count are INT8 there, extract a float, a division a DECIMAL",
    source: "measured on CockroachDB of May 2021; its documentation, operators",
    breaks: ({ roots }) => roots.flatMap(outputsOf).some((output) => !hasOneType(output)),
    controls: [
      "select count(*) from users",
      "select length(email) from users",
      "select extract(epoch from create_time) from users",
      "select version / 2 from users",
      "update users set version = version + 1 returning version + 1",
      "select id from users union all select count(*) from users",
    ],
  },
  {
    name: "operators are known to be the same",
    reason: "`/` gives a DECIMAL there, JSONB has no order, and patterns other than LIKE differ",
    source: "CockroachDB's documentation, operators; #49144",
    breaks: (statement) =>
      nodesOf(statement, "A_Expr").some(({ name }) => !knownOperators.has(lastName(name))),
    controls: [
      "select id from users where version / 2 = 1",
      "select id from users where email_key ~ $1",
      "select id from users where attributes -> 'team' is null",
    ],
  },
  {
    name: "functions are known to be the same",
    reason: "advisory locks are stubs that say yes, and others are missing or answer other types",
    source: "#13546, #169981, #97557",
    breaks: (statement) =>
      nodesOf(statement, "SQLValueFunction").some(({ op }) => op !== "SVFOP_CURRENT_USER") ||
      nodesOf(statement, "FuncCall").some(({ funcname }) => !isKnownFunction(nameParts(funcname))),
    controls: [
      "select pg_advisory_lock(1)",
      "select pg_try_advisory_xact_lock(1)",
      "select id from users where create_time < now() - make_interval(0, 0, 0, 1)",
      "insert into shared_secrets (name) values (uuidv7())",
      "insert into shared_secrets (name) values (gen_random_uuid())",
      "select current_timestamp",
    ],
  },
  {
    name: "nulls are put in order",
    reason: "ascending, nulls come first there and last here",
    source: "CockroachDB's documentation, ORDER BY",
    breaks: (statement, { nullableColumns }) =>
      nodesOf(statement, "SortBy").some(({ node, sortby_nulls }) => {
        const column = nodeOf(node);
        const isKnown =
          column?.type === "ColumnRef" && !nullableColumns.has(lastName(column.fields["fields"]));
        return sortby_nulls === "SORTBY_NULLS_DEFAULT" && !isKnown;
      }),
    controls: [
      "select id from users order by delete_time",
      "select id from users order by users.suspend_until_time desc",
      "select id from users order by 1",
    ],
  },
  {
    name: "pages begin behind a key",
    reason: "an offset reads all that it skips, and a row that comes or goes moves every page",
    source: "our style",
    breaks: (statement) =>
      nodesOf(statement, "SelectStmt").some(
        ({ limitOffset, limitOption }) =>
          limitOffset !== undefined || limitOption === "LIMIT_OPTION_WITH_TIES",
      ),
    controls: [
      "select id from users order by id limit 50 offset 50",
      "select id from users order by id fetch first 5 rows with ties",
    ],
  },
  without(["LockingClause"], {
    name: "no row locks",
    reason: "under SERIALIZABLE they are best-effort there: nothing may count on them",
    source: "CockroachDB's documentation, SELECT FOR UPDATE",
    controls: ["select id from users for update", "select id from users for share skip locked"],
  }),
  {
    name: "no system columns",
    reason: "xmin, ctid and oid are PostgreSQL's own",
    source: "CockroachDB's documentation, PostgreSQL compatibility",
    breaks: (statement) =>
      nodesOf(statement, "ColumnRef").some(({ fields }) => {
        const [table = "", ...rest] = nameParts(fields);
        const ofCatalogue = rest.length > 0 && table.startsWith("pg_");
        return !ofCatalogue && systemColumns.has(lastName(fields));
      }),
    controls: [
      "select ctid from users",
      "update users set version = 1 where xmin = $1",
      "select users.oid from users",
    ],
  },
  {
    name: "a statement changes a table once",
    reason: "several changes of one table in one statement are refused",
    source: "#70731",
    breaks: (statement) => {
      const tables = nodesOf(statement, "InsertStmt", "UpdateStmt", "DeleteStmt").map(
        ({ relation }) => (relation as { relname?: string } | undefined)?.relname,
      );
      return new Set(tables).size < tables.length;
    },
    controls: [
      "with gone as (delete from users where id = $1 returning id) insert into users (id) select id from gone",
      "with a as (update users set version = 1 returning id) update users set version = 2",
    ],
  },
  {
    name: "parameters in rows and in sums have a cast",
    reason: "what type they have is guessed otherwise there",
    source: "CockroachDB's documentation, placeholders",
    breaks: (statement) =>
      nodesOf(statement, "RowExpr").some(({ args }) => list(args).some(isParameter)) ||
      nodesOf(statement, "A_Expr").some(
        ({ name, lexpr, rexpr }) =>
          !comparisons.has(lastName(name)) && lastName(name) !== "~~" && [lexpr, rexpr].some(isParameter),
      ),
    controls: [
      "select id from users where (create_time, id) > ($1, $2)",
      "select id from users where create_time < now() - $1",
    ],
  },
  {
    name: "returning answers what is there now",
    reason: "old and new in returning are PostgreSQL 18's",
    source: "PostgreSQL 18's release notes",
    breaks: (statement) =>
      nodesOf(statement, "ReturningClause").some(({ options }) => list(options).length > 0) ||
      nodesOf(statement, "ColumnRef").some(({ fields }) => /^(old|new)$/.test(nameParts(fields)[0] ?? "")),
    controls: [
      "update users set version = 1 returning old.version",
      "update users set version = 1 returning with (old as before) before.version",
    ],
  },
  {
    name: "settings end with the transaction",
    reason: "a plain SET outlives its transaction in the pool, and there even a ROLLBACK",
    source: "CockroachDB's documentation, SET",
    breaks: (statement) =>
      nodesOf(statement, "VariableSetStmt").some(({ is_local }) => is_local !== true) ||
      nodesOf(statement, "FuncCall").some(
        ({ funcname, args }) => lastName(funcname) === "set_config" && !isTrue(list(args)[2]),
      ),
    controls: [
      "set statement_timeout = 1",
      "reset statement_timeout",
      "select set_config('statement_timeout', $1, false)",
      "set session characteristics as transaction isolation level serializable",
    ],
  },
  {
    name: "transactions are plain",
    reason: "a retry begins at the beginning: nothing is saved half-way or committed in two phases",
    source: "docs/decisions/0004-unit-of-work.md",
    breaks: (statement) =>
      nodesOf(statement, "TransactionStmt").some(
        ({ kind }) => !/^TRANS_STMT_(START|BEGIN|COMMIT|ROLLBACK)$/.test(String(kind)),
      ),
    controls: ["savepoint a", "release savepoint a", "rollback to savepoint a", "prepare transaction 'a'"],
  },
];

function isKnownFunction(name: readonly string[]): boolean {
  return knownFunctions.has(name.join("."));
}

function isParameter(value: unknown): boolean {
  return nodeOf(value)?.type === "ParamRef";
}

function isTrue(value: unknown): boolean {
  const node = nodeOf(value);
  return (
    node?.type === "A_Const" &&
    (node.fields["boolval"] as { boolval?: boolean } | undefined)?.boolval === true
  );
}
