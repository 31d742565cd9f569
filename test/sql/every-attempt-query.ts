import { attemptLimits } from "../../src/domain/throttle/attempt-limits.ts";
import type { Repositories, Statements } from "../../src/interfaces/relationaldb/relational-repository.ts";
import type { UserKey } from "../../src/interfaces/relationaldb/user-repository.ts";
import { anEvent } from "../support/events.ts";

/** The arguments that the queries of attempts are called with. */
export interface AttemptArguments {
  readonly userId: string;
  readonly keys: readonly UserKey[];
  readonly newId: () => string;
}

const limits = attemptLimits(10, 300);

/** Every statement of attempts that is a transaction of its own. */
export function everyAttemptStatement({ userId, keys, newId }: AttemptArguments) {
  const attempt = { id: newId(), account: `users/${userId}`, network: "192.0.2.0/24" };
  return [
    ...keys.map((key) =>
      query<Statements>(`attempts.begin by ${key.kind}`, 4, ({ attempts }) =>
        attempts.begin({ ...attempt, key, nameDigest: "digest" }, limits),
      ),
    ),
    ...(["succeeded", "failed", "refused"] as const).map((result) =>
      query<Statements>(`attempts.conclude as ${result}`, 1, ({ attempts }) =>
        attempts.conclude(attempt, result, anEvent(), limits),
      ),
    ),
    query<Statements>("attempts.giveBack", 1, ({ attempts }) => attempts.giveBack(attempt)),
  ];
}

/** Every query of attempts that belongs into other transactions. */
export function everyAttemptQuery({ userId }: AttemptArguments) {
  return [
    query<Repositories>("attempts.forgive", 1, ({ attempts }) => attempts.forgive(userId)),
    query<Repositories>("attempts.sweep", 500, ({ attempts }) => attempts.sweep(500)),
  ];
}

function query<On>(name: string, page: number, run: (on: On) => Promise<unknown>) {
  return { name, page, run };
}
