import type { Fault, Faults } from "./wire-proxy.ts";

/** What can go wrong at a statement. */
export const whats: Readonly<Record<string, Fault["what"]>> = {
  "40001": { code: "40001", message: "restart transaction" },
  "40003": { code: "40003", message: "result is ambiguous" },
  "40P01": { code: "40P01", message: "deadlock detected" },
  "57P01": { code: "57P01", message: "terminating connection", severity: "FATAL" },
  "57014": { code: "57014", message: "canceling statement due to user request" },
  "58C01": { code: "58C01", message: "inbox communication error" },
  "08006": { code: "08006", message: "connection failure" },
  cut: "cut",
  delay: { delayMs: 15 },
};

/** Each of them, before the statement applied and after. */
export const allFaults = Object.entries(whats).flatMap(([name, what]) =>
  (["before", "after"] as const).map((when) => ({ name: `${name} ${when}`, fault: { when, what } })),
);

/** A fault at one statement of all that come, by its place. */
export function nth(index: number, fault: Fault): Faults {
  let seen = 0;
  return () => (seen++ === index ? fault : undefined);
}
