import type { UserQuery } from "../../src/interfaces/relationaldb/user-repository.ts";
import type { PlanLimits } from "./plan-rules.ts";
import { population } from "./population.ts";

/** A kind of list that has no index of its own, and what it costs instead at most. */
export interface PlanException {
  readonly name: string;
  readonly reason: string;
  limitsOf(list: UserQuery): PlanLimits | undefined;
}

const page = 51;

/**
 * The lists that are filtered by one index and ordered by another, for people who look for somebody. An index for each
 * pair would be written with every user. Where a share s of n users passes the filter, the server either goes along the
 * order for page / s users or fetches and sorts s * n.
 */
export const planExceptions: readonly PlanException[] = [
  {
    name: "by a short email prefix",
    reason: "fetches and sorts the users that have the prefix: 5,670 here where one in sixteen has it",
    limitsOf: ({ emailPrefix }) => {
      if (emailPrefix === undefined || emailPrefix.length > 2) return undefined;
      return allOf(1.2 * (population / 16 ** emailPrefix.length));
    },
  },
  {
    name: "by time of creation, in order of id",
    // The better of the two is never worse than the root of page * n: 2,258 users here, 7,141 of a million.
    reason:
      "does the better of the two as well as it knows: 5,057 users at worst, where it should have been 1,000",
    limitsOf: ({ orderBy, createdAfter, createdBefore, emailPrefix }) => {
      const isByTime = createdAfter !== undefined || createdBefore !== undefined;
      if (orderBy !== "id" || !isByTime || emailPrefix !== undefined) return undefined;
      return allOf(4 * Math.sqrt(page * population));
    },
  },
];

function allOf(users: number): PlanLimits {
  return { sorted: users, removed: users, blocks: 1.2 * users };
}
