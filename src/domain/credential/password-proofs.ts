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

/** Who somebody has proven to be. */
export interface Proof {
  readonly user: User;
  readonly passwordHash: string;
  /** The password, prepared. */
  readonly prepared: Secret;
}

/** Proves by a password who somebody is, as often as the budget of attempts allows. */
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
    /** Told when a good password could not be hashed anew; the check is good all the same. */
    onRehashFailure: (error: unknown) => void;
  }) {
    this.#repository = dependencies.repository;
    this.#hasher = dependencies.hasher;
    this.#attempts = dependencies.attempts;
    this.#events = dependencies.events;
    this.#onRehashFailure = dependencies.onRehashFailure;
  }

  /**
   * Makes an attempt: counted, checked by one hash, and then concluded by `proven` where it is right. What is refused
   * anyway is to cost next to nothing, so that whether there is room for a hash comes first.
   * @throws CREDENTIALS_INVALID, TOO_MANY_ATTEMPTS, OVERLOADED and what `proven` throws
   */
  prove<T>(
    call: Call,
    attempt: SignInAttempt,
    password: Secret,
    proven: (proof: Proof, allowed: AllowedAttempt) => Promise<T>,
  ): Promise<T> {
    this.#hasher.assertRoom();
    return this.#attempts.make(call, attempt, async (allowed) => {
      const { found } = allowed;
      // What cannot be a password is hashed like one, but is never right.
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

  /** Hashes a password anew that was hashed otherwise than it would be now. Never throws. */
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
