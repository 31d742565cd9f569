import { randomUUID } from "node:crypto";
import type { DatabasePool } from "slonik";
import type { Deadline } from "../../../domain/call.ts";
import { UnitOfWork } from "../../../infrastructure/db/unit-of-work.ts";
import type { Readers, RelationalRepository, Repositories, Statements } from "../relational-repository.ts";
import { CockroachAttemptStatements, CockroachAttempts } from "./cockroach-attempts.ts";
import { CockroachCredentials } from "./cockroach-credentials.ts";
import { CockroachDevices } from "./cockroach-devices.ts";
import { CockroachEvents } from "./cockroach-events.ts";
import { CockroachRequests } from "./cockroach-requests.ts";
import { CockroachServiceAccounts } from "./cockroach-service-accounts.ts";
import { CockroachSessionStatements } from "./cockroach-session-statements.ts";
import { CockroachSessions } from "./cockroach-sessions.ts";
import { CockroachSigningKeys } from "./cockroach-signing-keys.ts";
import { CockroachUsers } from "./cockroach-users.ts";
import { toDomainError } from "./errors.ts";
import type { Run } from "./run.ts";
import { SharedStatusReads } from "./shared-status-reads.ts";
import { SharedUserReads } from "./shared-user-reads.ts";
import { WriteCheck } from "./write-check.ts";

/** The RelationalRepository for CockroachDB. The same SQL runs on PostgreSQL. */
export class CockroachRepository implements RelationalRepository {
  readonly #unitOfWork: UnitOfWork;
  readonly #writeCheck: WriteCheck;
  readonly #sharedUserReads: SharedUserReads;
  readonly #sharedStatusReads: SharedStatusReads;

  constructor(pool: DatabasePool) {
    this.#unitOfWork = new UnitOfWork(pool);
    this.#writeCheck = new WriteCheck(this.#unitOfWork, randomUUID());
    const readers = (call: Deadline) => repositories((query) => this.#unitOfWork.read(call, query));
    this.#sharedUserReads = new SharedUserReads((call) => readers(call).users);
    this.#sharedStatusReads = new SharedStatusReads((call) => readers(call).sessions);
  }

  read(call: Deadline): Readers {
    const { users, sessions, ...readers } = repositories((query) =>
      this.#translated(this.#unitOfWork.read(call, query)),
    );
    return {
      ...readers,
      users: {
        find: (key) => this.#translated(this.#sharedUserReads.find(call, key)),
        findMany: (keys) => users.findMany(keys),
        findImportDigests: (ids) => users.findImportDigests(ids),
        list: (query) => users.list(query),
      },
      sessions: {
        find: (id) => sessions.find(id),
        statuses: (ids) => this.#translated(this.#sharedStatusReads.statuses(call, ids)),
        list: (query) => sessions.list(query),
        exceedsCount: (userId, count) => sessions.exceedsCount(userId, count),
      },
    };
  }

  transaction<T>(call: Deadline, work: (repositories: Repositories) => Promise<T>): Promise<T> {
    return this.#translated(
      this.#unitOfWork.transaction(call, (transaction) => work(repositories((query) => query(transaction)))),
    );
  }

  statement(call: Deadline): Statements {
    const run: Run = (query) => this.#translated(this.#unitOfWork.statement(call, query));
    return {
      sessions: new CockroachSessionStatements(run),
      attempts: new CockroachAttemptStatements(run),
    };
  }

  assertWritable(call: Deadline): Promise<void> {
    return this.#translated(this.#writeCheck.run(call));
  }

  async #translated<T>(work: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await work;
    } catch (error) {
      throw toDomainError(error, this.#unitOfWork.hasAnsweredSince(startedAt));
    }
  }
}

function repositories(run: Run): Repositories {
  return {
    users: new CockroachUsers(run),
    credentials: new CockroachCredentials(run),
    requests: new CockroachRequests(run),
    sessions: new CockroachSessions(run),
    signingKeys: new CockroachSigningKeys(run),
    serviceAccounts: new CockroachServiceAccounts(run),
    events: new CockroachEvents(run),
    attempts: new CockroachAttempts(run),
    devices: new CockroachDevices(run),
  };
}
