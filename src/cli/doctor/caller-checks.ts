import type { Config } from "../../config/config.ts";
import { ownCall } from "../../domain/call.ts";
import type { ConnectedDatabase } from "../../infrastructure/db/open-database.ts";
import { CockroachRepository } from "../../interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { readPolicyOnce } from "../../policy.ts";
import { type Check, ok, warning } from "./finding.ts";

/** Checks the policy file, if there is one. */
export function policyChecks({ callers: { policyFile }, audiences }: Config): Check[] {
  if (policyFile === undefined) return [];
  return [
    {
      name: "policy",
      async run() {
        await readPolicyOnce(policyFile, audiences);
        return ok(`${policyFile} is valid.`);
      },
    },
  ];
}

const timeoutMs = 10_000;

/** Checks that at least one caller can have permissions. The database must have all its tables. */
export function callerChecks({ callers }: Config, { pool }: ConnectedDatabase): Check[] {
  return [
    {
      name: "callers",
      async run() {
        if (callers.anonymous) return ok("AUTH_CALLERS is anyone: every client has every permission.");
        if (callers.policyFile !== undefined) return ok("The policy file grants permissions.");
        const { serviceAccounts } = new CockroachRepository(pool).read(ownCall(timeoutMs));
        return (await serviceAccounts.list(undefined, 1)).length > 0
          ? ok("Service accounts exist; there is no policy file.")
          : warning(
              "No caller has permissions yet: run `auth service-account create --name ops --role admin` and `auth service-account key create ops`.",
            );
      },
    },
  ];
}
