import type { Config } from "../../config.ts";
import { ownCall } from "../../domain/call.ts";
import type { ConnectedDatabase } from "../../infrastructure/db/open-database.ts";
import { CockroachRepository } from "../../interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { readPolicyOnce } from "../../policy.ts";
import { type Check, ok, warning } from "./finding.ts";

/** The policy file, where there is one. */
export function policyChecks({ callers: { policyFile }, audiences }: Config): Check[] {
  if (policyFile === undefined) return [];
  return [
    {
      name: "policy",
      async run() {
        await readPolicyOnce(policyFile, audiences);
        return ok(`${policyFile} can be used.`);
      },
    },
  ];
}

const patienceMs = 10_000;

/** Whether anybody may call: of a database with all its tables. */
export function callerChecks({ callers }: Config, { pool }: ConnectedDatabase): Check[] {
  return [
    {
      name: "callers",
      async run() {
        if (callers.anonymous) return ok("Whoever can connect may do everything: AUTH_CALLERS is anyone.");
        if (callers.policyFile !== undefined) return ok("What they may do is in the policy file.");
        const { serviceAccounts } = new CockroachRepository(pool).read(ownCall(patienceMs));
        return (await serviceAccounts.list(undefined, 1)).length > 0
          ? ok("There are service accounts, and no policy file.")
          : warning(
              "Nobody may call yet: run `auth service-account create --name ops --role admin` and `auth service-account key create ops`.",
            );
      },
    },
  ];
}
