import { lastName, list, nodeOf, type TreeNode } from "./syntax-tree.ts";

/** Operators that answer a boolean. */
export const comparisons = new Set(["=", "<>", "<", "<=", ">", ">="]);
/** Functions whose result has one type on all servers. */
const sameEverywhere = new Set(["now", "version", "current_setting", "set_config", "current_schema"]);

/** What a statement answers: the expressions of its select list, or of its returning clause. */
export function outputsOf({ type, fields }: TreeNode): TreeNode[] {
  if (type === "SelectStmt" && fields["op"] !== "SETOP_NONE") {
    return [fields["larg"], fields["rarg"]].flatMap((side) =>
      outputsOf({ type: "SelectStmt", fields: side as TreeNode["fields"] }),
    );
  }
  const returning = fields["returningClause"] as { exprs?: unknown } | undefined;
  const targets = [
    ...list(type === "SelectStmt" ? fields["targetList"] : []),
    ...list(fields["returningList"] ?? returning?.exprs),
  ];
  return targets.flatMap((target) => nodeOf(nodeOf(target)?.fields["val"]) ?? []);
}

/** Whether an expression has the same type on all servers. */
export function hasOneType({ type, fields }: TreeNode): boolean {
  switch (type) {
    case "ColumnRef":
    case "A_Const":
    case "TypeCast":
    case "BoolExpr":
    case "NullTest":
      return true;
    case "A_Expr":
      return comparisons.has(lastName(fields["name"]));
    case "FuncCall":
      return sameEverywhere.has(lastName(fields["funcname"]));
    case "CaseExpr":
      return resultsOf(fields).every((result) => result !== undefined && hasOneType(result));
    default:
      return false;
  }
}

function resultsOf(caseExpression: TreeNode["fields"]): (TreeNode | undefined)[] {
  const whens = list(caseExpression["args"]).map((when) => nodeOf(nodeOf(when)?.fields["result"]));
  return [...whens, nodeOf(caseExpression["defresult"])];
}
