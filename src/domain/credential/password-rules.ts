import type { Call } from "../call.ts";
import { DomainError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { BreachedPasswords } from "./breached-passwords.ts";
import { type CommonPasswords, enoughWeight, weightOf } from "./guessed-first.ts";
import { ownWords, type Person } from "./own-words.ts";
import { isTooLong, maxBytes, type PasswordPolicy, preparePassword } from "./password.ts";

/** What a new password can break. The names are API (proto/auth/v1/authentication_service.proto). */
export type PasswordRule =
  | "max-bytes"
  | "characters"
  | "min-length"
  | "max-length"
  | "common"
  | "own-words"
  | "breached";

/** A rule that a password breaks, and a sentence about it that holds nothing of the password. */
export interface BrokenRule {
  readonly rule: PasswordRule;
  readonly description: string;
}

/** Breached passwords, and what becomes of a new one while nobody can say whether it is one of them. */
export interface BreachCheck {
  readonly breached: BreachedPasswords;
  readonly onFailure: "allow" | "refuse";
}

/** When to come back where a breach check was needed and could not be made. */
const retryAfterMs = 5_000;

const noWords: ReadonlySet<string> = new Set();

/**
 * What a new password must be (NIST SP 800-63B-4 §3.1.1.2, ASVS 6.2): long enough, not what is guessed first, and not
 * known from a breach. No kind of character is asked for. Applied where a password is set, never where one is checked:
 * rules may become stricter, and who has a password can still sign in.
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
    /** What the service itself is called, folded. */
    serviceWords: ReadonlySet<string>;
    breachCheck: BreachCheck | undefined;
    /** Told when breached passwords could not be asked for, whatever becomes of the new one. */
    onCheckFailure: (error: unknown) => void;
  }) {
    this.#policy = dependencies.policy;
    this.#common = dependencies.common;
    this.#serviceWords = dependencies.serviceWords;
    this.#breachCheck = dependencies.breachCheck;
    this.#onCheckFailure = dependencies.onCheckFailure;
  }

  /**
   * Refuses what is no good for anybody, before anything is asked for.
   * @throws PASSWORD_UNACCEPTABLE about `field`, the path in the API's words.
   */
  assertGoodForAnybody(raw: Secret, field: string): void {
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

  /** The rules that a password would break as this person's. @throws BREACH_CHECK_UNAVAILABLE */
  async broken(call: Call, raw: Secret, person: Person): Promise<readonly BrokenRule[]> {
    return (await this.#check(call, raw, person)).broken;
  }

  /** Breached passwords are asked for only where nothing else is wrong: it takes time and may tell others something. */
  async #check(call: Call, raw: Secret, person: Person): Promise<Looked> {
    const looked = this.#look(raw, ownWords(person).union(this.#serviceWords));
    const { password, broken } = looked;
    if (password === undefined || broken.length > 0 || !(await this.#isBreached(call, password)))
      return looked;
    return { password, broken: [{ rule: "breached", description: "has appeared in a data breach" }] };
  }

  #look(raw: Secret, own: ReadonlySet<string>): Looked {
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
      // Nor is it weighed: that takes the longer the longer it is.
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

interface Looked {
  /** The password as it is to be hashed, or undefined for what cannot be a password. */
  readonly password: Secret | undefined;
  readonly broken: readonly BrokenRule[];
}

function unacceptable(broken: readonly BrokenRule[], field: string): DomainError {
  const violations = broken.map(({ description }) => ({ field, description }));
  const sentences = violations.map(({ description }) => description).join("; ");
  return new DomainError("PASSWORD_UNACCEPTABLE", `${field}: ${sentences}`, { violations });
}
