import type { Call } from "../call.ts";
import { DomainError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { BreachedPasswords } from "./breached-passwords.ts";
import { type CommonPasswords, enoughWeight, weightOf } from "./guessed-first.ts";
import { ownWords, type Person } from "./own-words.ts";
import { isTooLong, maxBytes, type PasswordPolicy, preparePassword } from "./password.ts";

/** The rules for a new password. The names are API (proto/auth/v1/authentication_service.proto). */
export type PasswordRule =
  | "max-bytes"
  | "characters"
  | "min-length"
  | "max-length"
  | "common"
  | "own-words"
  | "breached";

/** A rule that a password breaks, and a sentence about it that contains nothing of the password. */
export interface BrokenRule {
  readonly rule: PasswordRule;
  readonly description: string;
}

/** The breach check, and whether a new password is allowed or refused if the check fails. */
export interface BreachCheck {
  readonly breached: BreachedPasswords;
  readonly onFailure: "allow" | "refuse";
}

/** When to retry if a breach check fails. */
const retryAfterMs = 5_000;

const noWords: ReadonlySet<string> = new Set();

/**
 * The rules for new passwords (NIST SP 800-63B-4 §3.1.1.2, ASVS 6.2): long enough, hard to guess, and not known from a
 * data breach. No character classes are required. Applied when a password is set, never when one is checked: rules may
 * become stricter, and users with an older password can still sign in.
 */
export class PasswordRules {
  readonly #policy: PasswordPolicy;
  readonly #common: CommonPasswords;
  readonly #serviceWords: ReadonlySet<string>;
  readonly #breachCheck: BreachCheck | undefined;
  readonly #onCheckFailure: (error: unknown) => void;

  constructor(dependencies: {
    policy: PasswordPolicy;
    common: CommonPasswords;
    /** The names of the service itself, folded. */
    serviceWords: ReadonlySet<string>;
    breachCheck: BreachCheck | undefined;
    /** Called if the breach check failed, whether the new password is then allowed or refused. */
    onCheckFailure: (error: unknown) => void;
  }) {
    this.#policy = dependencies.policy;
    this.#common = dependencies.common;
    this.#serviceWords = dependencies.serviceWords;
    this.#breachCheck = dependencies.breachCheck;
    this.#onCheckFailure = dependencies.onCheckFailure;
  }

  /**
   * Refuses a password that is unacceptable for every user, before any lookup.
   * @throws PASSWORD_UNACCEPTABLE about `field`, a path as in the API
   */
  assertMeetsGeneralRules(raw: Secret, field: string): void {
    const { broken } = this.#look(raw, noWords);
    if (broken.length > 0) throw unacceptable(broken, field);
  }

  /**
   * Accepts a new password of a person and prepares it for hashing.
   * @throws PASSWORD_UNACCEPTABLE about `field`, BREACH_CHECK_UNAVAILABLE
   */
  async accept(call: Call, raw: Secret, person: Person, field: string): Promise<Secret> {
    const { password, broken } = await this.#check(call, raw, person);
    if (password === undefined || broken.length > 0) throw unacceptable(broken, field);
    return password;
  }

  /**
   * The rules that a password would break if it were this person's.
   * @throws BREACH_CHECK_UNAVAILABLE
   */
  async broken(call: Call, raw: Secret, person: Person): Promise<readonly BrokenRule[]> {
    return (await this.#check(call, raw, person)).broken;
  }

  /**
   * Runs the breach check only if no other rule is broken: it takes time and may disclose something to a third party.
   */
  async #check(call: Call, raw: Secret, person: Person): Promise<Evaluation> {
    const looked = this.#look(raw, ownWords(person).union(this.#serviceWords));
    const { password, broken } = looked;
    if (password === undefined || broken.length > 0 || !(await this.#isBreached(call, password)))
      return looked;
    return { password, broken: [{ rule: "breached", description: "has appeared in a data breach" }] };
  }

  #look(raw: Secret, own: ReadonlySet<string>): Evaluation {
    if (isTooLong(raw.reveal())) {
      const description = `must be at most ${maxBytes} bytes of UTF-8`;
      return { password: undefined, broken: [{ rule: "max-bytes", description }] };
    }
    const password = preparePassword(raw);
    if (password === undefined) {
      const description =
        "must not be empty or contain control, invisible, private-use or unassigned characters";
      return { password, broken: [{ rule: "characters", description }] };
    }
    const { length } = [...password.reveal()];
    const { minLength, maxLength } = this.#policy;
    if (length > maxLength) {
      // It is not weighed either, because the cost of that grows with the length.
      return {
        password,
        broken: [{ rule: "max-length", description: `must be at most ${maxLength} characters` }],
      };
    }
    const broken = [...this.#guesses(password.reveal(), own)];
    if (length < minLength) {
      broken.unshift({ rule: "min-length", description: `must be at least ${minLength} characters` });
    }
    return { password, broken };
  }

  *#guesses(password: string, own: ReadonlySet<string>): Iterable<BrokenRule> {
    if (weightOf(password, this.#common, noWords) < enoughWeight) {
      const description =
        "must not be a common password, or consist of one or two common words, repetitions, and keyboard or digit sequences";
      yield { rule: "common", description };
    } else if (own.size > 0 && weightOf(password, this.#common, own) < enoughWeight) {
      const description =
        "must not consist of names of the user or of this service, and one or two common words";
      yield { rule: "own-words", description };
    }
  }

  async #isBreached(call: Call, password: Secret): Promise<boolean> {
    if (this.#breachCheck === undefined) return false;
    const { breached, onFailure } = this.#breachCheck;
    try {
      return await breached.has(call, password.reveal());
    } catch (error) {
      call.signal.throwIfAborted();
      this.#onCheckFailure(error);
      if (onFailure === "allow") return false;
      const sentence = "the breached-password check is unavailable; retry later";
      throw new DomainError("BREACH_CHECK_UNAVAILABLE", sentence, { retryAfterMs, cause: error });
    }
  }
}

interface Evaluation {
  /** The password to hash, or undefined if the text cannot be a password. */
  readonly password: Secret | undefined;
  readonly broken: readonly BrokenRule[];
}

function unacceptable(broken: readonly BrokenRule[], field: string): DomainError {
  const violations = broken.map(({ description }) => ({ field, description }));
  const sentences = violations.map(({ description }) => description).join("; ");
  return new DomainError("PASSWORD_UNACCEPTABLE", `${field}: ${sentences}`, { violations });
}
