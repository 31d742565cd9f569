import type { Config } from "../../config/config.ts";
import { type DatabaseProbe, probeDatabase } from "../../infrastructure/db/database-probe.ts";
import type { ConnectedDatabase } from "../../infrastructure/db/open-database.ts";
import { plural } from "../text.ts";
import { type Check, type Finding, failed, ok, warning } from "./finding.ts";
import { roleChecks } from "./role-checks.ts";

/**
 * Checks of a connected database.
 * @param replicas how many replicas of the service share it
 */
export function databaseChecks(config: Config, database: ConnectedDatabase, replicas: number): Check[] {
  const probe = probeDatabase(database.pool);
  // Prevents an unhandled rejection: each check that uses the probe awaits it.
  probe.catch(() => {});
  return [
    writesCheck(probe),
    migrationsCheck(config, database),
    ...roleChecks(config, database, replicas),
    ...serverChecks(probe),
  ];
}

function writesCheck(probe: Promise<DatabaseProbe>): Check {
  return {
    name: "writes",
    async run() {
      return (await probe).readOnly
        ? failed(
            "The database is read-only: set default_transaction_read_only = off for the server, the database and the role.",
          )
        : ok("Transactions can write.");
    },
  };
}

function migrationsCheck({ migrate }: Config, database: ConnectedDatabase): Check {
  return {
    name: "migrations",
    async run() {
      const missing = await database.missingSteps();
      if (missing.length === 0) return newerFinding(await database.newerSteps());
      const steps = `${plural(missing.length, "step")} missing, starting with ${missing[0]}`;
      return migrate === "auto"
        ? warning(`${steps}: the next start applies them, and so does \`auth migrate\`.`)
        : failed(`${steps}, and the service does not start without them: run \`auth migrate\`.`);
    },
  };
}

/** The finding about steps that this release does not know. */
function newerFinding(newer: readonly string[]): Finding {
  if (newer.length === 0) return ok("No migration is missing.");
  return warning(
    `No migration is missing, but a newer release applied ${plural(newer.length, "step")}, the last one ${newer.at(-1)}: update this binary.`,
  );
}

const slowMs = 10;
const clockWarningMs = 1_000;
const clockFailureMs = 60_000;

function serverChecks(probe: Promise<DatabaseProbe>): Check[] {
  return [
    {
      name: "round trip",
      async run() {
        const ms = (await probe).roundTripMs;
        const says = `A round trip takes ${ms.toFixed(1)} ms`;
        return ms > slowMs
          ? warning(`${says}, and a sign-in takes three: run the service closer to its database.`)
          : ok(`${says}.`);
      },
    },
    {
      name: "clock",
      async run() {
        const { clockAheadMs, clockErrorMs } = await probe;
        const off = Math.max(0, Math.abs(clockAheadMs) - clockErrorMs);
        const direction = clockAheadMs > 0 ? "behind" : "ahead of";
        const says = `This machine's clock is ${(off / 1_000).toFixed(1)} s ${direction} the database's`;
        const advice = "tokens carry the time of the database: synchronize both clocks by NTP";
        if (off > clockFailureMs) return failed(`${says}: ${advice}.`);
        if (off > clockWarningMs) return warning(`${says}: ${advice}.`);
        return ok("The clocks of this machine and the database agree within a second.");
      },
    },
    {
      name: "collation",
      async run() {
        return (await probe).ordersByBytes
          ? ok("Text is ordered byte by byte.")
          : warning(
              "Text is not ordered byte by byte, so lists by email prefix read the whole table: create the database with LC_COLLATE 'C'.",
            );
      },
    },
  ];
}
