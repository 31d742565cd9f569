import { describe, test } from "vitest";
import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";
import { relationalRepositoryContract } from "./relational-repository-contract.ts";
import { seedSessions } from "./seed-sessions.ts";

const uri = process.env["COCKROACH_URL"];

if (uri) {
  relationalRepositoryContract(`CockroachRepository on ${new URL(uri).host}`, async () => {
    const pool = await openMigratedPool(uri, 12);
    return {
      repository: new CockroachRepository(pool),
      seedSessions: (like, count) => seedSessions(pool, like, count),
      close: () => pool.end(),
    };
  });
} else {
  describe("the RelationalRepository contract: CockroachRepository on CockroachDB", () => {
    test.skip("NOT RUN: set COCKROACH_URL to an empty database of a CockroachDB server", () => {});
  });
}
