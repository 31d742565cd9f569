import type { UserWithPassword } from "../../interfaces/relationaldb/credential-repository.ts";
import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import type { Call } from "../call.ts";
import { DomainError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { AllowedAttempt, SignInAttempt, SignInAttempts } from "../throttle/sign-in-attempts.ts";
import type { User } from "../user/user.ts";
import { preparePassword } from "./password.ts";
import type { PasswordHasher } from "./password-hasher.ts";

/** An authenticated user. */
export interface Proof {
  readonly user: User;
  readonly passwordHash: string;
  /** The prepared password. */
  readonly prepared: Secret;
}

/** Checks passwords within the budget of attempts. */
export class PasswordProofs {
  readonly #repository: RelationalRepository;
  readonly #hasher: PasswordHasher;
  readonly #attempts: SignInAttempts;
  readonly #events: AuditEvents;
  readonly #onRehashFailure: (error: unknown) => void;

  constructor(dependencies: {
    repository: RelationalRepository;
    hasher: PasswordHasher;
    attempts: SignInAttempts;
    events: AuditEvents;
    /** Called if a correct password could not be rehashed. The check succeeds nevertheless. */
    onRehashFailure: (error: unknown) => void;
  }) {
    this.#repository = dependencies.repository;
    this.#hasher = dependencies.hasher;
    this.#attempts = dependencies.attempts;
    this.#events = dependencies.events;
    this.#onRehashFailure = dependencies.onRehashFailure;
  }

  /**
   * Makes an attempt: counts it, verifies the password with one hash and, if it is correct, concludes it with `proven`.
   * Checks first that there is room for a hash, so that a call that will be refused anyway costs next to nothing.
   * @throws CREDENTIALS_INVALID, TOO_MANY_ATTEMPTS, OVERLOADED and what `proven` throws
   */
  prove<T>(
    call: Call,
    attempt: SignInAttempt,
    password: Secret,
    proven: (proof: Proof, allowed: AllowedAttempt) => Promise<T>,
  ): Promise<T> {
    this.#hasher.assertCapacity();
    return this.#attempts.make(call, attempt, async (allowed) => {
      const { found } = allowed;
      // A text that cannot be a password takes a hash too, so that timing does not reveal it, but never matches.
      const prepared = preparePassword(password);
      const { key } = attempt;
      const matches = await this.#hasher.verify(call, (prepared ?? password).reveal(), found?.passwordHash, {
        typed: password.reveal(),
        name: key.kind === "id" ? key.id : key.key,
      });
      if (!isGood(found) || !matches || prepared === undefined) {
        await allowed.failed("CREDENTIALS_INVALID");
        throw credentialsInvalid();
      }
      return proven({ ...found, prepared }, allowed);
    });
  }

  /** Rehashes a password if its hash is outdated. Never throws. */
  async rehashIfOutdated(call: Call, { user, prepared, passwordHash: current }: Proof): Promise<void> {
    if (!this.#hasher.isOutdated(current)) return;
    try {
      const passwordHash = await this.#hasher.hash(call, prepared.reveal());
      const event = this.#events.of(call, { type: "password.rehashed", userId: user.id });
      await this.#repository.transaction(call, async ({ credentials, events }) => {
        if (await credentials.replace(user.id, current, passwordHash)) await events.add(event);
      });
    } catch (error) {
      this.#onRehashFailure(error);
    }
  }
}

export function credentialsInvalid(): DomainError {
  return new DomainError("CREDENTIALS_INVALID", "identifier or password is wrong");
}

function isGood(found: UserWithPassword | undefined): found is UserWithPassword & { passwordHash: string } {
  return found?.user.state === "active" && found.passwordHash !== undefined;
}
