import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { environmentOf } from "../support/service.ts";
import { sharedService } from "../support/shared-service.ts";
import { shell } from "../support/shell.ts";
import { testWith } from "../support/tools.ts";

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

/** The shell blocks below a heading, as they are printed. */
function blocksBelow(heading: string, level = "###"): string[] {
  const section = readme.split(`\n${level} ${heading}\n`)[1]?.split(/\n##/)[0] ?? "";
  return [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, script]) => script ?? "");
}

/** What a tool's blocks must print, one after the other. */
const expected = {
  grpcurl: [
    [
      "auth.v1.UserService",
      "auth.v1.AuthenticationService",
      "auth.v1.SessionService",
      "auth.v1.TokenService",
      "grpc.health.v1.Health",
      "rpc CreateUser",
      "message User",
    ],
    ['"email": "ada@example.com"', '"state": "STATE_ACTIVE"', '"displayName": "Ada"'],
    ['"rule": "PASSWORD_RULE_OWN_WORDS"', '"description": "must not consist of names'],
    ['"active": true', '"audience": "development"', '"state": "STATE_LIVE"', '"refreshToken": "rt1_'],
    ['"status": "SERVING"'],
  ],
  "buf curl": [
    ["auth.v1.UserService/CreateUser", "auth.v1.AuthenticationService/VerifyPassword"],
    ['"email": "grace@example.com"', '"state": "STATE_ACTIVE"'],
    ['"active": true', '"audience": "development"'],
    ['"status": "SERVING"'],
  ],
  curl: [
    ['"email":"edsger@example.com"', '"state":"STATE_ACTIVE"'],
    ['"state":"STATE_REVOKED"', '"endReason":"END_REASON_REVOKED"'],
    ['"keys":[{"kid":', '"jwks_uri":'],
    ["ok"],
  ],
};

describe("the README's own commands", () => {
  const shared = sharedService();

  /** The tests' service is on other ports than a user's; nothing else of a block is changed. */
  const run = (block: string, environment?: NodeJS.ProcessEnv) =>
    shell(
      block
        .replaceAll("127.0.0.1:50051", shared.running.grpcAddress)
        .replaceAll("127.0.0.1:8080", new URL(shared.running.httpUrl).host),
      environment,
    );

  for (const [tool, outputs] of Object.entries(expected)) {
    testWith(tool.split(" ")[0] ?? "", `${tool}: every block works as it is printed`, async () => {
      const blocks = blocksBelow(tool);
      expect(blocks).toHaveLength(outputs.length);
      for (const [index, block] of blocks.entries()) {
        const result = await run(block);
        expect(result.stderr).toBe("");
        expect(result.code).toBe(0);
        for (const text of outputs[index] ?? []) expect(result.stdout).toContain(text);
        // Each command of a block answers: the same user, created, verified and looked up.
        const commands = block.split(/\n(?=\S)/).length;
        if (block.includes("CreateUser")) expect(result.stdout.match(/STATE_ACTIVE/g)).toHaveLength(commands);
      }
    });
  }

  testWith(
    "npx",
    "On the command line, Moving in and out: every block works as it is printed, beside the service",
    async () => {
      const outputs = [
        [/^1 user could be imported, 0 rows refused\.\n1 user imported, .*\n\d+ users exported\.\n$/],
        [/^ok +database .*\n/m, /\n\n(All is well|0 failures, )/],
        [
          /^email +barbara@example\.com\n/m,
          /"state":"STATE_SUSPENDED".*"reason":"lost her phone"/,
          /^state +deleted\n/m,
        ],
        [/^ID +NAME +ROLES/m, /"users":\[/],
        [/^Key \S+ \(ES256\) is published/m, / ES256 +next /],
      ];
      const blocks = ["Moving in and out", "On the command line"].flatMap((heading) =>
        blocksBelow(heading, "##"),
      );
      expect(blocks).toHaveLength(outputs.length);
      for (const [index, block] of blocks.entries()) {
        const { code, stdout, stderr } = await run(block, environmentOf(shared.environment));
        expect({ code, stderr: stderr.replace(/^key \S+, which is shown this once:\n/, "") }).toEqual({
          code: 0,
          stderr: "",
        });
        for (const text of outputs[index] ?? []) expect(stdout).toMatch(text);
      }
    },
    120_000,
  );

  test("the two commands that must always work are there", () => {
    expect(readme).toContain("npm ci && npm start");
    expect(readme).toContain("npm ci && npm test");
  });
});
