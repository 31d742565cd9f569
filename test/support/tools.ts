import { spawnSync } from "node:child_process";
import { test } from "vitest";
import { toolEnvironment } from "./shell.ts";

/** Tools that must be there, by name: CI installs them and then counts on them. */
const required = (process.env["REQUIRE_TOOLS"] ?? "").split(/\s*,\s*/).filter(Boolean);

/** A program that this project does not contain. */
export interface Tool {
  readonly name: string;
  /** A command that succeeds if the program is there. */
  readonly check: string;
  /** A command that installs it. */
  readonly install?: string;
}

const nameOf = (tool: string | Tool) => (typeof tool === "string" ? tool : tool.name);
const checkOf = (tool: string | Tool) => (typeof tool === "string" ? `command -v ${tool}` : tool.check);

/** Whether a program is installed, or REQUIRE_TOOLS names it. */
export function isThere(tool: string | Tool): boolean {
  const isInstalled = () => spawnSync("sh", ["-c", checkOf(tool)], { env: toolEnvironment }).status === 0;
  return required.includes(nameOf(tool)) || isInstalled();
}

/**
 * A test that needs a program that this project does not contain. If the program is missing, the test is skipped and its
 * title says so, unless REQUIRE_TOOLS names the program: then the test fails.
 */
export function testWith(
  tool: string | Tool,
  name: string,
  body: () => Promise<void>,
  timeoutMs?: number,
): void {
  if (isThere(tool)) test(name, body, timeoutMs);
  else {
    const hint = typeof tool !== "string" && tool.install ? `; run ${tool.install}` : "";
    test.skip(`${name} (NOT RUN: ${nameOf(tool)} is not installed${hint})`, body);
  }
}
