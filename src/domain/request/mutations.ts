import type {
  RelationalRepository,
  Repositories,
} from "../../interfaces/relationaldb/relational-repository.ts";
import type { ConcludedRequest, MutationRequest } from "../../interfaces/relationaldb/request-repository.ts";
import { type Call, ownerOf } from "../call.ts";
import { preparePassword } from "../credential/password.ts";
import type { PasswordHasher } from "../credential/password-hasher.ts";
import { DomainError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { sweepAll } from "../sweep.ts";
import type { User } from "../user/user.ts";
import { derivedId } from "./derived-id.ts";

/** A change that a caller asks for. */
export interface Mutation {
  /** The UUID that the caller chose for it, or undefined: then one is made, so that the service's own retries are safe. */
  readonly requestId: string | undefined;
  readonly method: string;
  /** All that the caller sent but the request id and secrets. */
  readonly content: unknown;
  /** The new password that the caller sent, if any, and its PHC string. */
  readonly secret?: { readonly password: Secret; readonly hash: string } | undefined;
}

/** Digests a value so that equal values, whatever the order of their keys, and only they, have equal digests. */
export type Fingerprint = (value: unknown) => string;

/** A day: what the API promises (error_reason.proto, REQUEST_ID_REUSED). */
const rememberedForMs = 24 * 3_600_000;

/**
 * Makes each mutation at most once for its caller and request id (AIP-155). A secret is kept out of the fingerprint, which is fast
 * to compute and so fast to guess against: it is told from another by the password hash that was stored with the
 * request.
 */
export class Mutations {
  readonly #repository: RelationalRepository;
  readonly #hasher: PasswordHasher;
  readonly #fingerprint: Fingerprint;
  readonly #newId: () => string;

  constructor(
    repository: RelationalRepository,
    hasher: PasswordHasher,
    fingerprint: Fingerprint,
    newId: () => string,
  ) {
    this.#repository = repository;
    this.#hasher = hasher;
    this.#fingerprint = fingerprint;
    this.#newId = newId;
  }

  /**
   * Runs `act` in one transaction, or answers what it answered when the same request was made before.
   * @throws REQUEST_ID_REUSED where the request id was used for something else.
   */
  async once<Result extends User | undefined>(
    call: Call,
    mutation: Mutation,
    act: (repositories: Repositories) => Promise<Result>,
  ): Promise<Result> {
    const request = this.#request(call, mutation);
    const outcome = await this.#repository.transaction(call, async (repositories) => {
      const earlier = await repositories.requests.claim(request);
      if (earlier) return { earlier };
      const result = await act(repositories);
      await repositories.requests.conclude(request.id, result);
      return { result };
    });
    if ("result" in outcome) return outcome.result;
    await this.#assertSame(call, mutation, request, outcome.earlier);
    return outcome.earlier.result as Result;
  }

  /**
   * The mutation as it was made before with this new password: for one that must look at what it has changed since, or that
   * its own rules, having become stricter, refuse by now.
   * @throws REQUEST_ID_REUSED
   */
  async earlier(
    call: Call,
    asked: Omit<Mutation, "secret">,
    raw: Secret,
  ): Promise<ConcludedRequest | undefined> {
    const password = preparePassword(raw);
    if (asked.requestId === undefined || password === undefined) return undefined;
    const mutation = { ...asked, secret: { password, hash: "" } };
    const request = this.#request(call, mutation);
    const earlier = await this.#repository.read(call).requests.find(request.id);
    if (earlier) await this.#assertSame(call, mutation, request, earlier);
    return earlier;
  }

  /** Forgets what need not be remembered any longer, in small steps. For a task in the background. */
  async forgetOld(call: Call): Promise<void> {
    await sweepAll((limit) =>
      this.#repository.transaction(call, ({ requests }) => requests.sweep(rememberedForMs, limit)),
    );
  }

  /** Under an id of the caller's own: the request id of another caller neither answers nor tells what that one did. */
  #request(call: Call, { requestId, method, content, secret }: Mutation): MutationRequest {
    return {
      id:
        requestId === undefined
          ? this.#newId()
          : derivedId(this.#fingerprint, ["request", ownerOf(call), requestId.toLowerCase()]),
      fingerprint: this.#fingerprint([method, content]),
      secretHash: secret?.hash,
    };
  }

  async #assertSame(call: Call, { secret }: Mutation, request: MutationRequest, earlier: ConcludedRequest) {
    const same =
      earlier.fingerprint === request.fingerprint &&
      (earlier.secretHash === undefined
        ? secret === undefined
        : secret !== undefined &&
          (await this.#hasher.verify(call, secret.password.reveal(), earlier.secretHash)));
    if (!same) {
      throw new DomainError(
        "REQUEST_ID_REUSED",
        "request_id was already used for a request with different content",
      );
    }
  }
}
