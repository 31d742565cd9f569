import { type Rule, without } from "./rule.ts";
import { type Fields, lastName, list, nameParts, nodeOf, nodesOf } from "./syntax-tree.ts";

const ours = "docs/decisions/0006-migrations.md";

const knownTypes = new Set([
  "uuid",
  "text",
  "jsonb",
  "timestamptz",
  "int8",
  "int4",
  "bool",
  "bytea",
  "interval",
]);
const namedConstraints = new Set(["CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_CHECK", "CONSTR_FOREIGN"]);

/** What a migration says. */
export const schemaChanges: readonly Rule[] = [
  {
    name: "types are the same on all servers",
    reason:
      "INT is 8 bytes there and 4 here, SERIAL is no sequence there, CITEXT has no LIKE, TIMESTAMP no zone",
    source: "CockroachDB's documentation, INT, SERIAL and CITEXT",
    breaks: (statement) => nodesOf(statement, "TypeName").some(({ names }) => !isKnownType(nameParts(names))),
    controls: [
      "create table if not exists a (x int)",
      "create table if not exists a (x integer)",
      "create table if not exists a (x serial)",
      "create table if not exists a (x citext)",
      "create table if not exists a (x timestamp(3))",
      "create table if not exists a (x numeric)",
      "select count(*)::integer from users",
    ],
  },
  {
    name: "times are kept in milliseconds",
    reason: "a Date has milliseconds: with microseconds a keyset cursor skips or repeats rows",
    source: "src/interfaces/relationaldb/relational-repository.ts, the law of all methods",
    breaks: (statement) => columnsOf(statement).some(({ typeName }) => isFineTime(typeName)),
    controls: [
      "create table if not exists a (x timestamptz not null)",
      "create table if not exists a (x timestamptz(6) not null)",
      "alter table users add column if not exists x timestamptz",
    ],
  },
  {
    name: "every constraint and index has a name of ours",
    reason: "CockroachDB says the name of a violated constraint and nothing else",
    source: "pgwire's writeErrFields; src/interfaces/relationaldb/cockroachdb/errors.ts",
    breaks: (statement) =>
      nodesOf(statement, "IndexStmt").some(({ idxname }) => idxname === undefined) ||
      nodesOf(statement, "Constraint").some(
        ({ contype, conname }) => namedConstraints.has(String(contype)) && conname === undefined,
      ),
    controls: [
      "create table if not exists a (x uuid primary key)",
      "create table if not exists a (x uuid, check (x is not null))",
      "create table if not exists a (x uuid references b (x))",
      "create table if not exists a (x uuid unique)",
      "create index on users (id)",
    ],
  },
  {
    name: "a step can be made again",
    reason: "a schema change is no part of a transaction: after a crash the step is made once more",
    source: ours,
    breaks: (statement) =>
      nodesOf(statement, "CreateStmt", "IndexStmt").some((fields) => fields["if_not_exists"] !== true) ||
      nodesOf(statement, "AlterTableCmd").some(
        ({ subtype, missing_ok }) =>
          /^AT_(AddColumn|DropColumn)$/.test(String(subtype)) && missing_ok !== true,
      ) ||
      nodesOf(statement, "DropStmt").some(({ missing_ok }) => missing_ok !== true),
    controls: [
      "create table a (x uuid)",
      "create index i on users (id)",
      "alter table users add column x text",
      "drop index i",
    ],
  },
  {
    name: "one change in a step",
    reason: "what fails in the middle of several changes leaves some of them made",
    source: ours,
    breaks: (statement) =>
      nodesOf(statement, "CreateTableAsStmt", "CreateSchemaStmt").length > 0 ||
      nodesOf(statement, "AlterTableStmt").some(({ cmds }) => list(cmds).length !== 1),
    controls: [
      "create table if not exists a as select id from users",
      "create schema s create table t (x uuid)",
      "alter table users add column if not exists x text, add column if not exists y text",
    ],
  },
  {
    name: "a column's type stays",
    reason: "a change of type is a job there and a rewrite here: add a column, fill it, drop the old one",
    source: "CockroachDB's documentation, ALTER TABLE … ALTER TYPE",
    breaks: (statement) =>
      nodesOf(statement, "AlterTableCmd").some(({ subtype }) => subtype === "AT_AlterColumnType"),
    controls: ["alter table users alter column version type text"],
  },
  without(["RenameStmt"], {
    name: "nothing is renamed",
    reason: "the release before still asks for the old name",
    source: ours,
    controls: ["alter table users rename column email to mail", "alter table users rename to people"],
  }),
  {
    name: "the service makes ids",
    reason: "sequences and times in keys make one hot range there, and uuidv7() is not there",
    source: "#97557; CockroachDB's documentation, schema design",
    breaks: (statement) =>
      nodesOf(statement, "CreateSeqStmt").length > 0 ||
      nodesOf(statement, "Constraint").some(
        ({ contype, raw_expr }) =>
          contype === "CONSTR_IDENTITY" ||
          (contype === "CONSTR_DEFAULT" && nodeOf(raw_expr)?.type !== "A_Const"),
      ),
    controls: [
      "create table if not exists a (x uuid default gen_random_uuid())",
      "create table if not exists a (x uuid default uuidv7())",
      "create table if not exists a (x int8 generated always as identity)",
      "create sequence s",
    ],
  },
  {
    name: "indexes have the order of their server",
    reason: "nulls come first there and last here, and an index there takes no other order",
    source: "#6224",
    breaks: (statement) =>
      nodesOf(statement, "IndexElem").some(({ nulls_ordering }) => nulls_ordering !== "SORTBY_NULLS_DEFAULT"),
    controls: ["create index if not exists i on users (delete_time nulls first)"],
  },
  {
    name: "tables last",
    reason: "temporary and unlogged tables are experiments or nothing there",
    source: "#46260",
    breaks: (statement) =>
      nodesOf(statement, "RangeVar").some(({ relpersistence }) => relpersistence !== "p"),
    controls: [
      "create temporary table if not exists a (x uuid)",
      "create unlogged table if not exists a (x uuid)",
    ],
  },
];

function columnsOf(statement: Parameters<Rule["breaks"]>[0]): Fields[] {
  return nodesOf(statement, "ColumnDef");
}

/** `int` is read as pg_catalog.int4, `int4` as itself. */
function isKnownType(names: readonly string[]): boolean {
  const name = names.at(-1) ?? "";
  const hasAlias = names[0] === "pg_catalog" && name !== "interval" && name !== "bool";
  return knownTypes.has(name) && !hasAlias;
}

function isFineTime(typeName: unknown): boolean {
  const { names, typmods } = (typeName ?? {}) as { names?: unknown; typmods?: unknown };
  if (lastName(names) !== "timestamptz") return false;
  const precision = nodeOf(list(typmods)[0])?.fields["ival"] as { ival?: number } | undefined;
  return precision?.ival !== 3;
}
