import { afterAll, beforeAll } from "vitest";
import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { openMigratedPool } from "./migrated-pool.ts";
import { createTestDatabase, type TestDatabase } from "./postgres.ts";
import { WireProxy } from "./wire-proxy.ts";

/** A repository on a database of its own, behind a proxy that reads and breaks what goes over the wire. */
export interface WiredRepository {
  readonly database: TestDatabase;
  readonly proxy: WireProxy;
  readonly repository: CockroachRepository;
}

/** Opens one for the tests of a `describe`, and closes it after them. */
export function wiredRepository(poolSize = 3): WiredRepository {
  const opened = new AsyncDisposableStack();
  let parts: WiredRepository;
  beforeAll(async () => {
    const database = await createTestDatabase();
    opened.defer(() => database.drop());
    const proxy = opened.use(await WireProxy.start(database.uri));
    const pool = await openMigratedPool(proxy.uri, poolSize);
    opened.defer(() => pool.end());
    parts = { database, proxy, repository: new CockroachRepository(pool) };
  });
  afterAll(() => opened.disposeAsync());
  return {
    get database() {
      return parts.database;
    },
    get proxy() {
      return parts.proxy;
    },
    get repository() {
      return parts.repository;
    },
  };
}
