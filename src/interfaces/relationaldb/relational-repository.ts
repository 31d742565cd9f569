import type { Deadline } from "../../domain/call.ts";
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
 * The port to the database. An adapter implements all of it, and passes the contract tests in `test/contract`, which
 * cover every sentence here and in the parts.
 *
 * Rules for all methods:
 * - They throw only DomainErrors. Besides the reasons that it documents, every method can throw DATABASE_UNAVAILABLE or
 *   DATABASE_READ_ONLY (nothing was changed), CONTENTION (nothing was changed), DEADLINE_EXCEEDED or CANCELLED.
 * - Isolation is SERIALIZABLE: transactions and reads take effect as if they ran one after the other. An operation that
 *   starts after another one has returned comes after it in that order.
 * - Nothing continues for a call whose signal is aborted, except a commit that has begun.
 * - `find…` returns undefined if there is nothing. No method returns null.
 * - Times come from the database's clock, in whole milliseconds.
 */
export interface RelationalRepository {
  /** Reads for one call, each in one statement, which an adapter may share among calls. */
  read(call: Deadline): Readers;

  /**
   * Runs `work` in one transaction and returns its result. Either all of its effects are committed or, if it throws,
   * none.
   *
   * `work` may run more than once, even after its effects were committed, if the response to the commit was lost. It
   * must therefore have no effects except through the given repositories. It must also begin with `requests.claim`, or
   * change a row only if it is still as it was read, or recognise what an earlier run added.
   *
   * @throws what `work` throws; OUTCOME_UNKNOWN if no time was left to find out whether the commit took place
   */
  transaction<T>(call: Deadline, work: (repositories: Repositories) => Promise<T>): Promise<T>;

  /**
   * Changes that are a single statement in their own transaction. Like the work of a transaction, a statement may run
   * again after its effects were committed; it then returns the same result.
   * @throws OUTCOME_UNKNOWN if no time was left to find out whether it took place
   */
  statement(call: Deadline): Statements;

  /**
   * Resolves if the database accepts writes: it responds, transactions may write, the privileges suffice, and a small
   * write succeeds or has just succeeded. Any number of processes may call it every second.
   * @throws DATABASE_READ_ONLY, DATABASE_UNAVAILABLE
   */
  assertWritable(call: Deadline): Promise<void>;
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
