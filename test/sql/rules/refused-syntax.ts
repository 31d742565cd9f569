import { type Rule, without } from "./rule.ts";
import { list, nodesOf } from "./syntax-tree.ts";

const grammar = "CockroachDB's grammar, 25.2";

/** What CockroachDB's parser refuses though PostgreSQL's does not. */
export const refusedSyntax: readonly Rule[] = [
  {
    name: "one statement in a text",
    reason: "a prepared statement is one statement",
    source: "PostgreSQL's extended protocol; CockroachDB the same",
    breaks: ({ roots }) => roots.length !== 1,
    controls: ["select 1; select 2", "-- nothing"],
  },
  {
    name: "on conflict names columns",
    reason:
      "an expression as a conflict target is a syntax error; a constraint is named in one place, its migration",
    source: "#67893",
    breaks: (statement) =>
      nodesOf(statement, "InferClause").some(({ indexElems, conname }) => {
        const columns = list(indexElems).map((element) => columnOf(element));
        return conname !== undefined || columns.some((name) => name === undefined);
      }),
    controls: [
      "insert into users (id) values ($1) on conflict (lower(email)) do nothing",
      "insert into users (id) values ($1) on conflict on constraint users_pkey do nothing",
    ],
  },
  without(["MergeStmt"], {
    name: "no merge",
    reason: "it is a syntax error",
    source: grammar,
    controls: ["merge into a using b on a.id = b.id when matched then delete"],
  }),
  without(["ListenStmt", "NotifyStmt", "UnlistenStmt"], {
    name: "no listen and notify",
    reason: "they are syntax errors",
    source: "#41522",
    controls: ["listen changes", "notify changes", "unlisten changes"],
  }),
  without(["LockStmt"], {
    name: "no lock table",
    reason: "it is a syntax error",
    source: grammar,
    controls: ["lock table users in exclusive mode"],
  }),
  without(["VacuumStmt", "ReindexStmt", "ClusterStmt", "RepackStmt"], {
    name: "no vacuum, reindex or cluster",
    reason: "they are syntax errors, and analyze is another statement there",
    source: grammar,
    controls: ["vacuum users", "analyze users", "reindex table users", "cluster users using users_pkey"],
  }),
  without(["RangeTableSample"], {
    name: "no tablesample",
    reason: "it is a syntax error",
    source: grammar,
    controls: ["select id from users tablesample bernoulli (1)"],
  }),
  without(["NamedArgExpr"], {
    name: "no named arguments",
    reason: "`=>` is a syntax error, so Slonik's sql.interval is too",
    source: grammar,
    controls: ["select now() + make_interval(days => 1)"],
  }),
  {
    name: "no collation of an index",
    reason: "it is a syntax error",
    source: grammar,
    breaks: (statement) => nodesOf(statement, "IndexElem").some(({ collation }) => collation !== undefined),
    controls: ['create index if not exists i on users (email_key collate "C")'],
  },
  {
    name: "indexes are B-trees",
    reason: "gin means an inverted index there, others are refused",
    source: "CockroachDB's documentation, CREATE INDEX",
    breaks: (statement) =>
      nodesOf(statement, "IndexStmt").some(({ accessMethod }) => accessMethod !== "btree"),
    controls: [
      "create index if not exists i on users using gin (attributes)",
      "create index if not exists i on users using hash (id)",
    ],
  },
  {
    name: "no nulls not distinct",
    reason: "it is a syntax error",
    source: grammar,
    breaks: (statement) =>
      nodesOf(statement, "IndexStmt", "Constraint").some((fields) => fields["nulls_not_distinct"] === true),
    controls: [
      "create unique index if not exists i on users (email_key) nulls not distinct",
      "create table if not exists a (x text, constraint u unique nulls not distinct (x))",
    ],
  },
  {
    name: "no deferrable constraints",
    reason: "they are syntax errors",
    source: "#31632",
    breaks: (statement) =>
      nodesOf(statement, "ConstraintsSetStmt").length > 0 ||
      nodesOf(statement, "Constraint").some(
        ({ deferrable, initdeferred, contype }) =>
          deferrable === true || initdeferred === true || contype === "CONSTR_ATTR_DEFERRABLE",
      ),
    controls: [
      "create table if not exists a (x uuid not null, constraint f foreign key (x) references b (x) deferrable)",
      "create table if not exists a (x uuid constraint f references b (x) deferrable)",
      "set constraints all deferred",
    ],
  },
  {
    name: "no exclusion constraints",
    reason: "they are not there",
    source: "#46657",
    breaks: (statement) =>
      nodesOf(statement, "Constraint").some(({ contype }) => contype === "CONSTR_EXCLUSION"),
    controls: ["create table if not exists a (x int8, constraint e exclude using gist (x with =))"],
  },
  without(["CreateDomainStmt", "CreateRangeStmt", "CompositeTypeStmt", "CreateEnumStmt"], {
    name: "no types of our own",
    reason: "domains and ranges are not there, and a value added to an enum is not seen before its commit",
    source: "#27796; prisma-engines #5669",
    controls: [
      "create domain email as text",
      "create type span as range (subtype = int8)",
      "create type state as enum ('active')",
    ],
  }),
  without(["PartitionSpec", "PartitionBoundSpec", "PartitionCmd"], {
    name: "no partitions",
    reason: "PARTITION BY of a table has another form there",
    source: grammar,
    controls: [
      "create table if not exists a (x int8 not null) partition by range (x)",
      "create table if not exists a1 partition of a for values from (1) to (2)",
    ],
  }),
  without(["DoStmt", "CreateFunctionStmt", "CreateTrigStmt", "CreateExtensionStmt", "RuleStmt", "CallStmt"], {
    name: "no code in the database",
    reason: "functions, triggers and extensions are there in part or not at all",
    source: "CockroachDB's documentation, PL/pgSQL and triggers",
    controls: [
      "do $$ begin end $$",
      "create extension citext",
      "create trigger t after insert on users execute function f()",
      "create function f() returns int8 language sql as 'select 1'",
      "call f()",
    ],
  }),
  without(["DiscardStmt", "DeclareCursorStmt", "FetchStmt", "CopyStmt", "PrepareStmt", "ExecuteStmt"], {
    name: "no session state",
    reason: "DISCARD drops what others prepared, and cursors are there in part: #16587, node-postgres #2546",
    source: "CockroachDB's documentation, cursors; our pool",
    controls: [
      "discard all",
      "declare c cursor for select id from users",
      "copy users from stdin",
      "prepare p as select id from users",
    ],
  }),
];

/** The column of an index element; undefined for an expression. */
function columnOf(element: unknown): string | undefined {
  return (element as { IndexElem?: { name?: string } }).IndexElem?.name;
}
