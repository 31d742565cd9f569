import type { Patience } from "../../domain/call.ts";
import type { AttemptRepository, AttemptStatements } from "./attempt-repository.ts";
import type { CredentialReader, CredentialRepository } from "./credential-repository.ts";
import type { DeviceRepository } from "./device-repository.ts";
import type { EventReader, EventRepository } from "./event-repository.ts";
import type { RequestReader, RequestRepository } from "./request-repository.ts";
import type { ServiceAccountReader, ServiceAccountRepository } from "./service-account-repository.ts";
import type { SessionReader, SessionRepository, SessionStatements } from "./session-repository.ts";
import type { SigningKeyReader, SigningKeyRepository } from "./signing-key-repository.ts";
import type { UserReader, UserRepository } from "./user-repository.ts";

/**
 * The port toward the database. An adapter implements it whole, and passes the contract in `test/contract`, which tests
 * every sentence here and in the parts.
 *
 * The law of all methods:
 * - They throw DomainErrors only. A reason that a method does not name can still be DATABASE_UNAVAILABLE or
 *   DATABASE_READ_ONLY (nothing was changed), CONTENTION (nothing was changed), DEADLINE_EXCEEDED or CANCELLED.
 * - Isolation is SERIALIZABLE: what transactions and reads see and do is as if one ran after the other, in an order in
 *   which whatever starts after an answer comes after what was answered.
 * - Nothing goes on for a call whose signal is aborted, but a commit that has begun.
 * - `find…` answers undefined where there is nothing; nothing answers null.
 * - Times come from the database's clock, in whole milliseconds.
 */
export interface RelationalRepository {
  /** Reads for one call, each by one statement, which an adapter may share among calls. */
  read(call: Patience): Readers;

  /**
   * Runs `work` in one transaction and answers what it answers: all of its effects, or, where it throws, none.
   *
   * `work` may run more than once, also after its effects were committed where the answer to the commit was lost. So it
   * has no effects but through the repositories it is given, and it begins with `requests.claim`, or changes something
   * only where it is still as it was read, or recognizes what an earlier run has added.
   *
   * @throws what `work` throws; OUTCOME_UNKNOWN where no time was left to find out whether a commit took place.
   */
  transaction<T>(call: Patience, work: (repositories: Repositories) => Promise<T>): Promise<T>;

  /**
   * Changes that are each one statement and a transaction of its own. Like the work of a transaction, a statement may run
   * again after its effects were committed, and then answers the same.
   * @throws OUTCOME_UNKNOWN where no time was left to find out whether it took place.
   */
  statement(call: Patience): Statements;

  /**
   * Resolves if the database can be written to: it answers, its transactions may write, the rights suffice, and a small
   * write succeeds or has just succeeded. May be called every second by any number of processes.
   * @throws DATABASE_READ_ONLY, DATABASE_UNAVAILABLE
   */
  assertWritable(call: Patience): Promise<void>;
}

export interface Readers {
  readonly users: UserReader;
  readonly credentials: CredentialReader;
  readonly requests: RequestReader;
  readonly sessions: SessionReader;
  readonly signingKeys: SigningKeyReader;
  readonly serviceAccounts: ServiceAccountReader;
  readonly events: EventReader;
}

export interface Repositories extends Readers {
  readonly users: UserRepository;
  readonly credentials: CredentialRepository;
  readonly requests: RequestRepository;
  readonly sessions: SessionRepository;
  readonly signingKeys: SigningKeyRepository;
  readonly serviceAccounts: ServiceAccountRepository;
  readonly events: EventRepository;
  readonly attempts: AttemptRepository;
  readonly devices: DeviceRepository;
}

export interface Statements {
  readonly attempts: AttemptStatements;
  readonly sessions: SessionStatements;
}
