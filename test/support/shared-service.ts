import { afterAll, beforeAll } from "vitest";
import { createTestDatabase, type TestDatabase } from "./postgres.ts";
import { type Environment, type RunningService, startService } from "./service.ts";

export interface SharedService {
  readonly running: RunningService;
  /** Where its database is, as a command is told. */
  readonly environment: Environment;
}

/** A service on a database of its own for all tests of a `describe`: `running` is it while they run. */
export function sharedService(): SharedService {
  let database: TestDatabase;
  let service: RunningService;
  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startService({ DATABASE_URL: database.uri, AUTH_MIGRATE: "auto" });
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await database?.drop();
  });
  return {
    get running() {
      return service;
    },
    get environment() {
      return { DATABASE_URL: database.uri };
    },
  };
}
