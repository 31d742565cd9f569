import { nodesOf, type Statement } from "./syntax-tree.ts";

/** What a rule may know beside the statement. */
export interface Schema {
  /** Names of the columns that can be null, in any table. */
  readonly nullableColumns: ReadonlySet<string>;
}

/** Something that CockroachDB refuses or means otherwise than PostgreSQL, or that one of us decided not to use. */
export interface Rule {
  readonly name: string;
  readonly reason: string;
  /** Who says so: an issue of cockroachdb/cockroach by its number, its grammar, its documentation, or our own rules. */
  readonly source: string;
  breaks(statement: Statement, schema: Schema): boolean;
  /** Statements that break it: without them nobody would know that it can fail. */
  readonly controls: readonly [string, ...string[]];
}

/** A rule against some kinds of nodes, whatever is in them. */
export function without(types: readonly string[], rule: Omit<Rule, "breaks">): Rule {
  return { ...rule, breaks: (statement) => nodesOf(statement, ...types).length > 0 };
}
