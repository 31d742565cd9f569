import { randomUUID } from "node:crypto";
import { Client } from "pg";
import type { DatabasePool } from "slonik";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SessionLimits } from "../../../src/domain/session/session.ts";
import { now } from "../../../src/domain/user/user.ts";
import { CockroachRepository } from "../../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import type { Repositories } from "../../../src/interfaces/relationaldb/relational-repository.ts";
import { aSession } from "../../contract/session-actions.ts";
import { aProfile, draftOf } from "../../contract/user-profiles.ts";
import { aCall } from "../../support/calls.ts";
import { anEvent } from "../../support/events.ts";
import { openMigratedPool } from "../../support/migrated-pool.ts";
import { createTestDatabase, type TestDatabase } from "../../support/postgres.ts";

const hour = 3_600_000;
const limits: SessionLimits = { idleMs: hour, absoluteMs: 24 * hour, leewayMs: 10_000, perUser: 100 };

/** What ends all sessions of a user, in one transaction that commits while a session is beginning. */
const ends: Readonly<Record<string, (repositories: Repositories, userId: string) => Promise<unknown>>> = {
  "a suspension": async ({ users, sessions }, id) => {
    const user = (await users.find({ kind: "id", id }))!;
    const suspension = { reason: "fraud", startTime: now, untilTime: undefined } as const;
    await users.update(user, { ...draftOf(user), suspension });
    await sessions.endAll(id, "user-suspended", undefined);
  },
  "a new password": async ({ credentials, sessions }, id) => {
    await credentials.put(id, "another");
    await sessions.endAll(id, "password-changed", undefined);
  },
};

describe("a session that has read its user before all sessions of the user end, and is written afterwards", () => {
  let database: TestDatabase;
  let pool: DatabasePool;
  let repository: CockroachRepository;
  let gate: Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = await openMigratedPool(database.uri, 3);
    repository = new CockroachRepository(pool);
    gate = new Client({ connectionString: database.uri });
    await gate.connect();
  });
  afterAll(async () => {
    await gate?.end();
    await pool?.end();
    await database?.drop();
  });

  /** Waits until a statement of the pool waits for a lock. */
  const aStatementWaits = () =>
    expect
      .poll(async () => {
        const { rows } = await gate.query(
          "select count(*)::int4 as waiting from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
        );
        return rows[0].waiting;
      })
      .toBe(1);

  test.each(Object.entries(ends))("is not good: %s", async (_name, end) => {
    const session = aSession(randomUUID());
    const { userId } = session;
    await repository.transaction(aCall(), async ({ users, credentials }) => {
      await users.insert(userId, aProfile());
      await credentials.put(userId, session.passwordHash);
    });
    // The statement that begins a session forgives failed attempts, and waits for whoever has their row.
    await gate.query(
      "insert into account_attempts (account, attempt_id, failures, lock_end_time) values ($1, $2, 1, now())",
      [`users/${userId}`, randomUUID()],
    );
    await gate.query("begin");
    await gate.query("select from account_attempts where account = $1 for update", [`users/${userId}`]);
    const beginning = repository
      .statement(aCall())
      .sessions.begin(session, limits, anEvent({ userId, type: "session.begun" }));
    await aStatementWaits();
    await repository.transaction(aCall(), (repositories) => end(repositories, userId));
    await gate.query("rollback");
    const begun = await beginning;

    // It was written, by what it had read before: the epoch that is over.
    expect(begun?.session.id).toBe(session.id);
    const { sessions } = repository.read(aCall());
    const [status] = await sessions.statuses([session.id]);
    expect(status?.live).toBe(false);
    expect(await sessions.list({ userId, liveOnly: true, after: undefined, limit: 10 })).toEqual([]);
  });
});
