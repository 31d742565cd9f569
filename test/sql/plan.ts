import { type Client, escapeLiteral } from "pg";
import type { BoundStatement } from "./recorded-run.ts";

/** A node of a plan, as `explain (analyze, format json)` tells of it. */
export interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly "Rows Removed by Join Filter"?: number;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly Plans?: readonly PlanNode[];
}

/** How the server plans a prepared statement: for the parameters at hand, or once for all. */
export type PlanMode = "force_custom_plan" | "force_generic_plan";

/** Runs a statement, takes back what it did, and tells how it was done; or how it would be done. */
export async function planOf(
  client: Client,
  { text, values }: BoundStatement,
  mode: PlanMode,
  { isRun = true } = {},
): Promise<PlanNode> {
  await client.query("begin");
  try {
    await client.query(`set local plan_cache_mode = ${mode}`);
    await client.query(`prepare planned as ${text}`);
    const list = values.length > 0 ? `(${values.map(literal).join(", ")})` : "";
    const { rows } = await client.query(
      `explain (${isRun ? "analyze, buffers, " : ""}format json) execute planned${list}`,
    );
    return rows[0]["QUERY PLAN"][0].Plan;
  } finally {
    await client.query("rollback");
    await client.query("deallocate all");
  }
}

/**
 * The tables that a plan reads whole: without an index, or along one without a condition and without a limit that could end
 * it.
 */
export function wholeReadsOf(plan: PlanNode, isLimited = false): string[] {
  const type = plan["Node Type"];
  const table = plan["Relation Name"];
  const isWhole =
    type === "Seq Scan" ||
    (/^Index (Only )?Scan/.test(type) && plan["Index Cond"] === undefined && !isLimited);
  const below = isLimited || type === "Limit";
  return [
    ...(isWhole && table !== undefined ? [table] : []),
    ...(plan.Plans ?? []).flatMap((child) => wholeReadsOf(child, below)),
  ];
}

/** Every node of a plan, from the top. */
export function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** For people: the names of the nodes and indexes from the top, one inside the other. */
export function outline(plan: PlanNode): string {
  const name = [plan["Node Type"], plan["Index Name"] ?? plan["Relation Name"]].filter(Boolean).join(" ");
  return plan.Plans ? `${name} (${plan.Plans.map(outline).join(", ")})` : name;
}

function literal(value: unknown): string {
  if (value === null) return "null";
  if (Buffer.isBuffer(value)) return `'\\x${value.toString("hex")}'`;
  if (Array.isArray(value)) return escapeLiteral(`{${value.map((item) => JSON.stringify(item)).join(",")}}`);
  return escapeLiteral(String(value));
}
