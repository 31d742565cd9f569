import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../../config/config.ts";
import { displayPath } from "../../infrastructure/db/embedded-postgres/data-folder.ts";
import type { ConnectedDatabase } from "../../infrastructure/db/open-database.ts";
import { connectForCommand, type OpenServiceOptions } from "../open-service.ts";
import { addressChecks } from "./address-checks.ts";
import { callerChecks, policyChecks } from "./caller-checks.ts";
import { databaseChecks } from "./database-checks.ts";
import { filesChecks } from "./files-checks.ts";
import { type Check, type Checked, ok, runCheck, warning } from "./finding.ts";
import { secretsChecks } from "./secrets-checks.ts";

export interface ExamineOptions extends OpenServiceOptions {
  /** How many replicas of the service share the database. */
  readonly replicas: number;
}

/**
 * Checks everything that the service needs, in the order in which it needs it, without changing anything.
 * @throws the reason of the signal, and no other error
 */
export async function examine(options: ExamineOptions): Promise<Checked[]> {
  const { config, signal } = options;
  const here = await runAll([...filesChecks(config), ...policyChecks(config), ...addressChecks(config)]);
  const there = await examineDatabase(options);
  signal.throwIfAborted();
  return [...here, ...there];
}

async function examineDatabase(options: ExamineOptions): Promise<Checked[]> {
  const { config } = options;
  const name = "database";
  if (config.databaseUrl === undefined && !(await isThere(join(config.dataDir, "postgres")))) {
    const says = `There is none yet in ${displayPath(config.dataDir)}; the first start creates it.`;
    return runAll([{ name, run: async () => warning(says) }]);
  }
  await using resources = new AsyncDisposableStack();
  const connected = Promise.withResolvers<ConnectedDatabase>();
  connected.promise.catch(() => {});
  const reached = await runCheck({
    name,
    async run() {
      // Checks do not wait for a database to become reachable.
      const { database, ownedElsewhere } = resources.use(await connectForCommand(options, 0));
      connected.resolve(database);
      return ok(`${database.description}${situation(config, ownedElsewhere)}, SERIALIZABLE.`);
    },
  });
  if (reached.some(({ outcome }) => outcome === "failed")) return reached;
  const database = await connected.promise;
  const seen = await runAll(databaseChecks(config, database, options.replicas));
  const hasTables = (await database.missingSteps().catch(() => ["unknown"])).length === 0;
  if (!hasTables) return [...reached, ...seen];
  const inTables = await runAll([...secretsChecks(config, database), ...callerChecks(config, database)]);
  return [...reached, ...seen, ...inTables];
}

function situation({ databaseUrl }: Config, ownedElsewhere: boolean): string {
  if (databaseUrl !== undefined) return "";
  return ownedElsewhere ? ", run by a service" : ", started for this check";
}

async function runAll(checks: readonly Check[]): Promise<Checked[]> {
  const checked: Checked[] = [];
  // One after another, so that checks do not distort each other's measurements.
  for (const check of checks) checked.push(...(await runCheck(check)));
  return checked;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
