import type { Attempt, AttemptVerdict, KnownBy } from "../../interfaces/relationaldb/attempt-repository.ts";
import type { UserWithPassword } from "../../interfaces/relationaldb/credential-repository.ts";
import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { UserKey } from "../../interfaces/relationaldb/user-repository.ts";
import type { AuditEvents, EventDetails, EventType } from "../audit/event.ts";
import { type Call, ownCall } from "../call.ts";
import { DomainError, type Reason } from "../errors.ts";
import { sweepAll } from "../sweep.ts";
import type { AttemptLimits } from "./attempt-limits.ts";
import { KeyedSemaphore } from "./keyed-semaphore.ts";
import { networkOf } from "./network.ts";

/** An attempt to authenticate. */
export interface SignInAttempt {
  /** Type of the event if the attempt succeeds. */
  readonly type: EventType;
  /** The claimed user. If the name is not a valid identifier, a key that no user can have. */
  readonly key: UserKey;
  /** The name as entered. */
  readonly name: string;
  /** IP address of the person's client, as reported by the caller. May be empty. */
  readonly ipAddress: string;
  /** What may entitle the attempt to a budget of its own. */
  readonly knownBy?: KnownBy | undefined;
}

/** An attempt that may proceed. Conclude it with exactly one of the three methods. */
export interface AllowedAttempt {
  readonly found: UserWithPassword | undefined;
  /** The account that it is counted under. */
  readonly account: string;
  /** The attempt was correct: clears earlier failures. Do not call it if the following statement does so. */
  succeeded(): Promise<void>;
  failed(reason: Reason): Promise<void>;
  /** The attempt was not made after all and does not count. Never throws. */
  givenBack(): Promise<void>;
}

/**
 * Lower than the number of free failures: each attempt counts as a failure until it proves correct, so more concurrent
 * calls with the correct password could lock each other out.
 */
const concurrencyPerName = 4;
const undoTimeoutMs = 2_000;

/**
 * The budgets of attempts: one per account across all methods that check its password, whether or not the account
 * exists; one per known device; one for the sessions of a user; and one per network.
 */
export class SignInAttempts {
  readonly #repository: RelationalRepository;
  readonly #events: AuditEvents;
  readonly #limits: AttemptLimits;
  readonly #digest: (name: string) => string;
  readonly #newId: () => string;
  readonly #turns = new KeyedSemaphore(concurrencyPerName);

  constructor(dependencies: {
    repository: RelationalRepository;
    events: AuditEvents;
    limits: AttemptLimits;
    /** A keyed digest, because people enter passwords in name fields. */
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
   * Makes an attempt if the budget allows it: counts it first, then runs `work`, which concludes it. If `work` throws
   * without concluding it, the attempt is given back.
   * @throws TOO_MANY_ATTEMPTS, the same for every name
   */
  make<T>(call: Call, attempt: SignInAttempt, work: (allowed: AllowedAttempt) => Promise<T>): Promise<T> {
    const name = nameOf(attempt);
    // Callers with a device token or a session do not queue behind strangers.
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

  /** Purges counters that are no longer needed, in small steps. For a background task. */
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
    const eventsOf = (happening: Pick<EventDetails, "outcome" | "reason">) => ({
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
        if (open) await this.#undoCount(attempt);
        open = false;
      },
    };
  }

  /** Uses a call of its own, because the caller's may have ended. If it fails, one failure too many stays counted. */
  async #undoCount(attempt: Attempt): Promise<void> {
    await this.#repository
      .statement(ownCall(undoTimeoutMs))
      .attempts.undoCount(attempt)
      .catch(() => {});
  }
}

/** The id of the device or session that an attempt is counted for; empty if it is counted for the user. */
function objectOf({ account }: Attempt, knownBy: KnownBy | undefined): string {
  const [, , kind, id = ""] = account.split("/");
  return kind === "sessions" && knownBy !== undefined && "sessionId" in knownBy ? knownBy.sessionId : id;
}

/** One name for all spellings of an identifier, and one for each text that is not an identifier. */
function nameOf({ key, name }: SignInAttempt): string {
  const canonical = key.kind === "id" ? key.id : key.key;
  return JSON.stringify(canonical === "" ? ["", name] : [key.kind, canonical]);
}

/** Rounds up to whole seconds, so that the answer at a given moment is the same for every account. */
function tooManyAttempts({ retryAfterMs }: AttemptVerdict): DomainError {
  const rounded = retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs / 1_000) * 1_000 };
  return new DomainError("TOO_MANY_ATTEMPTS", "too many attempts", rounded);
}
