import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { relationalRepositoryContract } from "./relational-repository-contract.ts";
import { seedSessions } from "./seed-sessions.ts";

relationalRepositoryContract("CockroachRepository on PostgreSQL, SERIALIZABLE, 12 connections", async () => {
  const database = await createTestDatabase();
  const pool = await openMigratedPool(database.uri, 12);
  return {
    repository: new CockroachRepository(pool),
    seedSessions: (like, count) => seedSessions(pool, like, count),
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
});
