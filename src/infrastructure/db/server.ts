import { type CommonQueryMethods, sql } from "slonik";
import { z } from "zod";
import type { Dialect } from "./migrations/migration-step.ts";
import { isStandbyRefusal } from "./sql-state.ts";

export interface DatabaseServer {
  readonly dialect: Dialect;
  /** Major and minor version as the server reports them: "18.4", "25.2". */
  readonly version: string;
}

/** The oldest major versions whose SQL dialect is supported. */
const oldest: Record<Dialect, number> = { postgresql: 15, cockroachdb: 24 };

const names = [
  ["cockroachdb", /^CockroachDB \w+ v(\d+)\.(\d+)/],
  ["postgresql", /^PostgreSQL (\d+)(?:\.(\d+))?/],
] as const;

/**
 * Identifies the server.
 * @throws Error if the server is unknown, a standby or too old, or if its sessions are not SERIALIZABLE
 */
export async function identifyServer(connection: CommonQueryMethods): Promise<DatabaseServer> {
  const { version, isolation } = await readServer(connection).catch((error: unknown) => {
    if (!isStandbyRefusal(error)) throw error;
    throw new Error("it is a standby and accepts no writes; set DATABASE_URL to the primary", {
      cause: error,
    });
  });
  const server = parseVersion(version);
  if (server === undefined)
    throw new Error(`unsupported database server: ${version}; use PostgreSQL or CockroachDB`);
  if (Number.parseInt(server.version, 10) < oldest[server.dialect]) {
    throw new Error(
      `${server.dialect} ${server.version} is too old; use version ${oldest[server.dialect]} or later`,
    );
  }
  if (isolation !== "serializable") {
    throw new Error(
      `sessions use isolation level "${isolation}" instead of "serializable"; check whether a proxy drops connection options`,
    );
  }
  return server;
}

function readServer(connection: CommonQueryMethods) {
  return connection.one(sql.type(z.object({ version: z.string(), isolation: z.string() }))`
    select
      version() as version,
      current_setting('default_transaction_isolation') as isolation
  `);
}

/** Parses the result of `version()`. Undefined for anything but CockroachDB and PostgreSQL. */
export function parseVersion(version: string): DatabaseServer | undefined {
  for (const [dialect, pattern] of names) {
    const [, major, minor] = pattern.exec(version) ?? [];
    if (major !== undefined) return { dialect, version: `${major}.${minor ?? "0"}` };
  }
  return undefined;
}
