import { parseSync } from "libpg-query";

/** A node of PostgreSQL's syntax tree: its type as PostgreSQL names it, and its fields. */
export interface TreeNode {
  readonly type: string;
  readonly fields: Fields;
}

export type Fields = Readonly<Record<string, unknown>>;

/** A statement, read. */
export interface Statement {
  readonly text: string;
  /** Every node, from the top. */
  readonly nodes: readonly TreeNode[];
  /** The statements in the text, which should be one. */
  readonly roots: readonly TreeNode[];
}

/** Fields whose value is a node that does not say its type. */
const typeOfField: Readonly<Record<string, string>> = {
  relation: "RangeVar",
  typeName: "TypeName",
  onConflictClause: "OnConflictClause",
  infer: "InferClause",
  collClause: "CollateClause",
  returningClause: "ReturningClause",
  larg: "SelectStmt",
  rarg: "SelectStmt",
  over: "WindowDef",
  partspec: "PartitionSpec",
  partbound: "PartitionBoundSpec",
};

/** Parses a text by PostgreSQL's own parser. `loadModule` of libpg-query comes first. @throws where it refuses it */
export function parse(text: string): Statement {
  const { stmts = [] } = parseSync(text) as { stmts?: { stmt: unknown }[] };
  const roots = stmts.flatMap(({ stmt }) => nodesUnder(stmt).slice(0, 1));
  return { text, roots, nodes: stmts.flatMap(({ stmt }) => nodesUnder(stmt)) };
}

/** Every node in a value, from the top. */
export function nodesUnder(value: unknown): TreeNode[] {
  if (Array.isArray(value)) return value.flatMap(nodesUnder);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([field, inner]) => {
    const type = /^[A-Z]/.test(field) ? field : typeOfField[field];
    const own = type !== undefined && isFields(inner) && !isWrapped(inner) ? [{ type, fields: inner }] : [];
    return [...own, ...nodesUnder(inner)];
  });
}

/** The node that a field holds, which says its type. */
export function nodeOf(value: unknown): TreeNode | undefined {
  const [entry] = isFields(value) ? Object.entries(value) : [];
  return entry && isFields(entry[1]) ? { type: entry[0], fields: entry[1] } : undefined;
}

export function nodesOf(statement: Statement, ...types: string[]): Fields[] {
  return statement.nodes.filter(({ type }) => types.includes(type)).map(({ fields }) => fields);
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The parts of a name: of a function, a type, an operator or a column; "*" stands for all columns. */
export function nameParts(value: unknown): string[] {
  return list(value).map((part) => {
    const node = nodeOf(part);
    return node?.type === "A_Star" ? "*" : String(node?.fields["sval"]);
  });
}

/** The last part of a name. */
export function lastName(value: unknown): string {
  return nameParts(value).at(-1) ?? "";
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWrapped(value: Fields): boolean {
  const names = Object.keys(value);
  return names.length === 1 && /^[A-Z]/.test(names[0] ?? "");
}
