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

/** A change that a caller requests. */
export interface Mutation {
  /**
   * The caller's UUID for the request. If it is undefined, one is created, so that the service's own retries are safe.
   */
  readonly requestId: string | undefined;
  readonly method: string;
  /** The content of the request, except the request id and secrets. */
  readonly content: unknown;
  /** The new password in the request, if any, and its PHC string. */
  readonly secret?: { readonly password: Secret; readonly hash: string } | undefined;
}

/** A digest of a value. Two values have the same digest if and only if they are equal, apart from the order of keys. */
export type Fingerprint = (value: unknown) => string;

/** One day, as the API promises (error_reason.proto, REQUEST_ID_REUSED). */
const rememberedForMs = 24 * 3_600_000;

/**
 * Makes each mutation at most once per caller and request id (AIP-155). Secrets are not part of the fingerprint, which
 * is fast to compute and would allow fast offline guessing. A different secret is detected by the password hash that is
 * stored with the request.
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
   * Runs `act` in one transaction. If the same request was made before, returns its earlier result instead.
   * @throws REQUEST_ID_REUSED if the request id was used for a different request
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
   * The earlier request with the same id and new password, if any. For mutations that check state which they have since
   * changed themselves, or rules that may have become stricter since.
   * @throws REQUEST_ID_REUSED if the request id was used for a different request
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

  /** Purges requests that are no longer needed, in small steps. For a background task. */
  async forgetOld(call: Call): Promise<void> {
    await sweepAll((limit) =>
      this.#repository.transaction(call, ({ requests }) => requests.sweep(rememberedForMs, limit)),
    );
  }

  /**
   * Derives the id from the caller and its request id, so that request ids of other callers neither collide nor reveal
   * what those callers did.
   */
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
