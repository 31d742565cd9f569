import { spawnSync } from "node:child_process";
import { describe, expect } from "vitest";
import { planSettings } from "../../src/infrastructure/db/session-plans.ts";
import { toolEnvironment } from "../support/shell.ts";
import { testWith } from "../support/tools.ts";
import { everyStatement } from "./statements.ts";

/** Made of test/cockroach-parse by `go install`. */
const tool = "cockroach-parse";

interface Refusal {
  readonly statement: string;
  readonly error: string;
}

describe("CockroachDB's own parser, of release 25.2", () => {
  testWith(tool, "takes every statement that the service can send", async () => {
    const statements = [...(await everyStatement()), planSettings.cockroachdb];
    expect(statements.length).toBeGreaterThan(450);
    expect(refusals(statements)).toEqual([]);
  });

  testWith(tool, "control: refuses what it should, and nothing else", async () => {
    const refused = [
      "insert into users (id) values ($1) on conflict (lower(email)) do nothing",
      "merge into a using b on a.id = b.id when matched then delete",
      "listen changes",
      "lock table users",
      "vacuum users",
      "select id from users tablesample bernoulli (1)",
      "select now() + make_interval(days => 1)",
      'create index if not exists i on users (email_key collate "C")',
      "create table if not exists a (x text, constraint u unique nulls not distinct (x))",
      "create domain email as text",
      "select 1; select 2",
      "",
    ];
    // The last one only CockroachDB takes, so it is no other parser that says all this.
    const taken = ["select id from users where id = $1::uuid", "upsert into users (id) values ($1)"];
    expect(refusals([...refused, ...taken]).map(({ statement }) => statement)).toEqual(refused);
  });
});

function refusals(statements: readonly string[]): Refusal[] {
  const input = JSON.stringify(statements);
  const { status, stdout, stderr, error } = spawnSync(tool, { input, env: toolEnvironment });
  if (error) throw error;
  if (status !== 0) throw new Error(String(stderr));
  return JSON.parse(String(stdout));
}
