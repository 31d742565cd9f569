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
    ...[{ deviceDigest: "digest" }, { sessionId: newId() }].map((knownBy) =>
      query<Statements>(`attempts.begin known by ${Object.keys(knownBy)[0]}`, 4, ({ attempts }) =>
        attempts.begin(
          { ...attempt, id: newId(), key: { kind: "id", id: userId }, nameDigest: "digest", knownBy },
          limits,
        ),
      ),
    ),
    ...(["succeeded", "failed", "refused"] as const).map((result) =>
      query<Statements>(`attempts.conclude as ${result}`, 1, ({ attempts }) =>
        attempts.conclude(attempt, result, { event: anEvent(), locked: anEvent() }, limits),
      ),
    ),
    query<Statements>("attempts.undoCount", 1, ({ attempts }) => attempts.undoCount(attempt)),
  ];
}

/** Every query of attempts that belongs into other transactions. */
export function everyAttemptQuery({ userId, newId }: AttemptArguments) {
  const device = { id: newId(), userId, digest: "digest", keptForMs: 60_000 };
  return [
    query<Repositories>("devices.add", 10, ({ devices }) => devices.add(device, 10)),
    query<Repositories>("devices.add that makes room", 10, ({ devices }) =>
      devices.add({ ...device, digest: "another digest" }, 1),
    ),
    query<Repositories>("devices.renew", 1, ({ devices }) => devices.renew(device, "digest")),
    query<Repositories>("devices.forgetAll", 10, ({ devices }) => devices.forgetAll(userId)),
    query<Repositories>("devices.sweep", 500, ({ devices }) => devices.sweep(500)),
    query<Repositories>("attempts.unlock", 10, ({ attempts }) => attempts.unlock([userId])),
    query<Repositories>("attempts.forgive", 1, ({ attempts }) => attempts.forgive(userId)),
    query<Repositories>("attempts.sweep", 500, ({ attempts }) => attempts.sweep(500)),
  ];
}

function query<On>(name: string, page: number, run: (on: On) => Promise<unknown>) {
  return { name, page, run };
}
