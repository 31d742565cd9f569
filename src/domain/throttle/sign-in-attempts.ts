import type { Attempt, AttemptVerdict, KnownBy } from "../../interfaces/relationaldb/attempt-repository.ts";
import type { UserWithPassword } from "../../interfaces/relationaldb/credential-repository.ts";
import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { UserKey } from "../../interfaces/relationaldb/user-repository.ts";
import type { AuditEvents, EventType, Happening } from "../audit/event.ts";
import { type Call, ownCall } from "../call.ts";
import { DomainError, type Reason } from "../errors.ts";
import { sweepAll } from "../sweep.ts";
import type { AttemptLimits } from "./attempt-limits.ts";
import { networkOf } from "./network.ts";
import { Turns } from "./turns.ts";

/** An attempt to prove who somebody is. */
export interface SignInAttempt {
  /** What succeeds, if it does. */
  readonly type: EventType;
  /** Who it is said to be; a key that nobody can have where what was said is none. */
  readonly key: UserKey;
  /** What was said. */
  readonly name: string;
  /** IP address of the person's client, as the caller tells it. May be empty. */
  readonly ipAddress: string;
  /** What may give it a budget of its own. */
  readonly knownBy?: KnownBy | undefined;
}

/** An attempt that may be made, and has to be concluded in one of three ways. */
export interface AllowedAttempt {
  readonly found: UserWithPassword | undefined;
  /** What it is counted under. */
  readonly account: string;
  /** It was right; forgets the failures before it. Not to be said where what follows does so. */
  succeeded(): Promise<void>;
  failed(reason: Reason): Promise<void>;
  /** It was not made after all, and does not count. Never throws. */
  givenBack(): Promise<void>;
}

/**
 * Fewer than are free, so that many calls with the right password at once are not refused because of each other: each
 * counts until it has turned out to be right.
 */
const concurrencyPerName = 4;
const giveBackMs = 2_000;

/**
 * The budgets of attempts: one for each account over every method that takes its secret, whether or not there is such an
 * account, one for each known device, one for the sessions of a user, and one for each network.
 */
export class SignInAttempts {
  readonly #repository: RelationalRepository;
  readonly #events: AuditEvents;
  readonly #limits: AttemptLimits;
  readonly #digest: (name: string) => string;
  readonly #newId: () => string;
  readonly #turns = new Turns(concurrencyPerName);

  constructor(dependencies: {
    repository: RelationalRepository;
    events: AuditEvents;
    limits: AttemptLimits;
    /** A keyed digest: people type passwords where names belong. */
    digest: (name: string) => string;
    newId: () => string;
  }) {
    this.#repository = dependencies.repository;
    this.#events = dependencies.events;
    this.#limits = dependencies.limits;
    this.#digest = dependencies.digest;
    this.#newId = dependencies.newId;
  }

  /**
   * Makes an attempt where it may be made: counts it first, and then does `work` for it, which concludes it. An error of
   * `work` that leaves it open gives it back.
   * @throws TOO_MANY_ATTEMPTS, the same whoever it is said to be
   */
  make<T>(call: Call, attempt: SignInAttempt, work: (allowed: AllowedAttempt) => Promise<T>): Promise<T> {
    const name = nameOf(attempt);
    // Whoever has a token or a session does not wait behind strangers.
    const turn = attempt.knownBy === undefined ? name : JSON.stringify([name, attempt.knownBy]);
    return this.#turns.run(call, turn, async () => {
      const allowed = await this.#begin(call, attempt, this.#digest(name));
      try {
        return await work(allowed);
      } catch (error) {
        await allowed.givenBack();
        throw error;
      }
    });
  }

  /** Forgets what need not be remembered any longer, in small steps. For a task in the background. */
  async forgetOld(call: Call): Promise<void> {
    await sweepAll((limit) => this.#repository.transaction(call, ({ attempts }) => attempts.sweep(limit)));
  }

  async #begin(call: Call, said: SignInAttempt, nameDigest: string): Promise<AllowedAttempt> {
    const { attempts } = this.#repository.statement(call);
    const network = networkOf(said.ipAddress);
    const verdict = await attempts.begin(
      { id: this.#newId(), key: said.key, nameDigest, network, knownBy: said.knownBy },
      this.#limits,
    );
    const { attempt, found } = verdict;
    const about = { userId: found?.user.id, clientAddress: said.ipAddress };
    const eventsOf = (happening: Pick<Happening, "outcome" | "reason">) => ({
      event: this.#events.of(call, { type: said.type, ...about, ...happening }),
      locked: this.#events.of(call, {
        type: "account.locked",
        ...about,
        objectId: objectOf(attempt, said.knownBy),
      }),
    });
    if (!verdict.allowed) {
      const refusal = eventsOf({ outcome: "refused", reason: "TOO_MANY_ATTEMPTS" });
      await attempts.conclude(attempt, "refused", refusal, this.#limits);
      throw tooManyAttempts(verdict);
    }
    let open = true;
    const conclude = (result: "succeeded" | "failed", reason?: Reason) => {
      open = false;
      const happened = eventsOf(reason === undefined ? {} : { outcome: "failure", reason });
      return attempts.conclude(attempt, result, happened, this.#limits);
    };
    return {
      found,
      account: attempt.account,
      succeeded: () => conclude("succeeded"),
      failed: (reason) => conclude("failed", reason),
      givenBack: async () => {
        if (open) await this.#giveBack(attempt);
        open = false;
      },
    };
  }

  /** In a call of our own, because the caller's may be over. Where it does not work out, a failure too many is counted. */
  async #giveBack(attempt: Attempt): Promise<void> {
    await this.#repository
      .statement(ownCall(giveBackMs))
      .attempts.giveBack(attempt)
      .catch(() => {});
  }
}

/** The id of the device that an attempt is counted for, or of the session that it is made in; empty where it is counted for the user. */
function objectOf({ account }: Attempt, knownBy: KnownBy | undefined): string {
  const [, , kind, id = ""] = account.split("/");
  return kind === "sessions" && knownBy !== undefined && "sessionId" in knownBy ? knownBy.sessionId : id;
}

/** One for all spellings of an identifier, and one for each text that is none. */
function nameOf({ key, name }: SignInAttempt): string {
  const canonical = key.kind === "id" ? key.id : key.key;
  return JSON.stringify(canonical === "" ? ["", name] : [key.kind, canonical]);
}

/** In whole seconds, so that the answer is the same for a moment, whoever it is about. */
function tooManyAttempts({ retryAfterMs }: AttemptVerdict): DomainError {
  const rounded = retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs / 1_000) * 1_000 };
  return new DomainError("TOO_MANY_ATTEMPTS", "too many attempts", rounded);
}
