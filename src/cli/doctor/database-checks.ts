import type { Config } from "../../config.ts";
import { probeDatabase } from "../../infrastructure/db/database-probe.ts";
import type { ConnectedDatabase } from "../../infrastructure/db/open-database.ts";
import { counted } from "../text.ts";
import { type Check, failed, ok, warning } from "./finding.ts";

/** What can be seen of a database that is connected. */
export function databaseChecks(config: Config, database: ConnectedDatabase): Check[] {
  return [migrationsCheck(config, database), ...serverChecks(database)];
}

function migrationsCheck({ migrate }: Config, database: ConnectedDatabase): Check {
  return {
    name: "migrations",
    async run() {
      const missing = await database.missingSteps();
      if (missing.length === 0) return ok("None is missing.");
      const steps = `${counted(missing.length, "step")} missing, the first being ${missing[0]}`;
      return migrate === "auto"
        ? warning(`${steps}: the next start makes them, and so does \`auth migrate\`.`)
        : failed(`${steps}, and the service does not start without: run \`auth migrate\`.`);
    },
  };
}

const slowMs = 10;
const clockWarningMs = 1_000;
const clockFailureMs = 60_000;

function serverChecks({ pool }: ConnectedDatabase): Check[] {
  const probe = probeDatabase(pool);
  // It is waited for below.
  probe.catch(() => {});
  return [
    {
      name: "round trip",
      async run() {
        const ms = (await probe).roundTripMs;
        const says = `A statement that does nothing takes ${ms.toFixed(1)} ms`;
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
        const advice = "tokens are dated by the database's clock and checked by others': set both by NTP";
        if (off > clockFailureMs) return failed(`${says}: ${advice}.`);
        if (off > clockWarningMs) return warning(`${says}: ${advice}.`);
        return ok("This machine's clock and the database's agree within a second.");
      },
    },
    {
      name: "collation",
      async run() {
        return (await probe).ordersByBytes
          ? ok("Text is ordered byte by byte.")
          : warning(
              "Text is not ordered byte by byte, so lists by email prefix read the whole table: make a database with LC_COLLATE 'C'.",
            );
      },
    },
  ];
}
