import { nodesOf, type PlanNode } from "./plan.ts";

/** What a plan did, in numbers that grow with the table where an index is missing. */
export interface PlanCost {
  /** Tables that were read whole. */
  readonly wholeTables: readonly string[];
  /** Rows that went into the biggest sort. */
  readonly sorted: number;
  /** Rows that were fetched for nothing. */
  readonly removed: number;
  /** Pages of tables and indexes that were looked at. */
  readonly blocks: number;
}

export interface PlanLimits {
  readonly sorted: number;
  readonly removed: number;
  readonly blocks: number;
}

/** Tables that hold a handful of rows however many users there are: to read them whole is the best plan. */
export const smallTables: ReadonlySet<string> = new Set(["signing_keys", "event_heads"]);

export function costOf(plan: PlanNode): PlanCost {
  const nodes = nodesOf(plan);
  const read = nodes.filter(
    (node) =>
      node["Node Type"] === "Seq Scan" &&
      node["Relation Name"] !== undefined &&
      !smallTables.has(node["Relation Name"]),
  );
  const sorts = nodes.filter((node) => /Sort$/.test(node["Node Type"]));
  return {
    wholeTables: read.map((node) => node["Relation Name"] ?? ""),
    sorted: Math.max(0, ...sorts.flatMap((node) => node.Plans ?? []).map(rowsOf)),
    removed: nodes.map(removedRowsOf).reduce((sum, removed) => sum + removed, 0),
    blocks: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
  };
}

/** What a query may cost that has an index: a small multiple of the rows that it may answer, whatever the table holds. */
export function limitsFor(page: number): PlanLimits {
  // A write comes through each index of its table, some pages each; rows of sessions lie on pages of their own.
  return { sorted: 2 * page, removed: 4 * page, blocks: 60 + 8 * page };
}

/** What a plan does that it should not, by name. */
export function excessOf(cost: PlanCost, limits: PlanLimits): string[] {
  return [
    ...cost.wholeTables.map((table) => `reads all of ${table}`),
    ...(cost.sorted > limits.sorted ? [`sorts ${cost.sorted} rows`] : []),
    ...(cost.removed > limits.removed ? [`fetches ${cost.removed} rows for nothing`] : []),
    ...(cost.blocks > limits.blocks ? [`looks at ${cost.blocks} pages`] : []),
  ];
}

function rowsOf(node: PlanNode): number {
  return Math.round(node["Actual Rows"] * node["Actual Loops"]);
}

function removedRowsOf(node: PlanNode): number {
  const perLoop =
    (node["Rows Removed by Filter"] ?? 0) +
    (node["Rows Removed by Index Recheck"] ?? 0) +
    (node["Rows Removed by Join Filter"] ?? 0);
  return Math.round(perLoop * node["Actual Loops"]);
}
