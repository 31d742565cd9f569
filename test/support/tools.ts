import { spawnSync } from "node:child_process";
import { test } from "vitest";
import { toolEnvironment } from "./shell.ts";

/** Tools that must be there, by name: CI installs them and then counts on them. */
const required = (process.env["REQUIRE_TOOLS"] ?? "").split(/\s*,\s*/).filter(Boolean);

/** A program of somebody else's: its name, and a command that succeeds where it is there. */
export interface Tool {
  readonly name: string;
  readonly check: string;
}

/**
 * A test that needs a program of somebody else's. Where it is missing the test is skipped, loudly and by name, unless
 * REQUIRE_TOOLS names it: then it fails.
 */
export function testWith(
  tool: string | Tool,
  name: string,
  body: () => Promise<void>,
  timeoutMs?: number,
): void {
  const { name: toolName, check } =
    typeof tool === "string" ? { name: tool, check: `command -v ${tool}` } : tool;
  const isThere = spawnSync("sh", ["-c", check], { env: toolEnvironment }).status === 0;
  if (isThere || required.includes(toolName)) test(name, body, timeoutMs);
  else test.skip(`${name} (NOT RUN: ${toolName} is not installed)`, body);
}
