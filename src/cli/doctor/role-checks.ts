import type { Config } from "../../config/config.ts";
import { findConnectionRoom } from "../../infrastructure/db/connection-room.ts";
import {
  type DatabaseRole,
  describeRole,
  findMissingRights,
  grantsOf,
  schemaGrant,
} from "../../infrastructure/db/database-role.ts";
import type { ConnectedDatabase } from "../../infrastructure/db/open-database.ts";
import { findForeignTables } from "../../infrastructure/db/ownership.ts";
import { plural } from "../text.ts";
import { type Check, type Finding, failed, ok, warning } from "./finding.ts";

/** Checks of the rights of the service's role in the database. */
export function roleChecks(config: Config, database: ConnectedDatabase, replicas: number): Check[] {
  return [
    { name: "rights", run: () => rightsFinding(database) },
    { name: "migration rights", run: () => migrationRightsFinding(config, database) },
    ...(database.dialect === "postgresql" ? [connectionsCheck(config, database, replicas)] : []),
  ];
}

async function rightsFinding({ pool }: ConnectedDatabase): Promise<Finding> {
  const role = await describeRole(pool);
  if (!role.mayUse) {
    return failed(
      `The role ${role.name} may not use the schema. Run as its owner: ${schemaGrant(role, "USAGE")}`,
    );
  }
  const missing = await findMissingRights(pool);
  if (missing.size === 0) return ok(`The role ${role.name} may read and write every table.`);
  return failed(
    `The role ${role.name} lacks rights on ${plural(missing.size, "table")}. Run as their owner: ${grantsOf(missing, role).join(" ")}`,
  );
}

async function migrationRightsFinding({ migrate }: Config, database: ConnectedDatabase): Promise<Finding> {
  const role = await describeRole(database.pool);
  const obstacle = await migrationObstacle(role, database);
  if (obstacle === undefined) return ok(`The role ${role.name} may migrate.`);
  const isMissingSteps = await database.missingSteps().then(
    (steps) => steps.length > 0,
    () => true,
  );
  if (isMissingSteps) return failed(obstacle);
  return migrate === "auto"
    ? warning(`${obstacle} The next release's migrations need it, or AUTH_MIGRATE=check.`)
    : ok(
        `The role ${role.name} may not migrate: for the next release, run \`auth migrate\` as another role.`,
      );
}

/** Why the role cannot migrate, and what to do. */
async function migrationObstacle(role: DatabaseRole, { pool, dialect }: ConnectedDatabase) {
  if (!role.mayCreate) {
    return `The role ${role.name} may not create tables, so it cannot migrate. Run as the schema's owner: ${schemaGrant(role, "USAGE, CREATE")}`;
  }
  const foreign = dialect === "postgresql" ? await findForeignTables(pool) : [];
  if (foreign.length === 0) return undefined;
  return `The role ${role.name} does not own ${foreign.join(", ")}, so it cannot migrate: run \`auth migrate\` as the role that does.`;
}

function connectionsCheck(
  { databasePoolSize: poolSize }: Config,
  { pool }: ConnectedDatabase,
  replicas: number,
): Check {
  return {
    name: "connections",
    async run() {
      const { connections, limitedBy } = await findConnectionRoom(pool);
      return connectionsFinding({ connections, limitedBy, poolSize, replicas });
    },
  };
}

/** The finding about the number of connections available to the replicas. */
export function connectionsFinding(given: {
  readonly connections: number;
  readonly limitedBy: string;
  readonly poolSize: number;
  readonly replicas: number;
}): Finding {
  const { connections, limitedBy, poolSize, replicas } = given;
  const says = `${limitedBy} leaves ${plural(Math.max(0, connections), "connection")}, and ${plural(replicas, "replica")} of AUTH_DATABASE_POOL_SIZE=${poolSize} hold ${poolSize * replicas}`;
  const sentence = `${says.charAt(0).toUpperCase()}${says.slice(1)}`;
  const advice = "raise the limit, or lower AUTH_DATABASE_POOL_SIZE";
  if (connections < poolSize * replicas) return failed(`${sentence}: ${advice}.`);
  if (connections < poolSize * (replicas + 1)) {
    return warning(`${sentence}, which is too few while a rolling update runs one more: ${advice}.`);
  }
  return ok(`${sentence}.`);
}
