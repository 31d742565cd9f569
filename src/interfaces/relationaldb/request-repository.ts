import type { User } from "../../domain/user/user.ts";

/** A mutation to be made at most once (AIP-155). */
export interface MutationRequest {
  /** Lower-case UUID. */
  readonly id: string;
  /** Digest of the method and of the request's content, except secrets. */
  readonly fingerprint: string;
  /**
   * PHC string of the secret in the request, if any. Distinguishes a repetition from a request with a different secret.
   */
  readonly secretHash: string | undefined;
}

/** A completed mutation and its result. */
export interface ConcludedRequest extends MutationRequest {
  /** The user as it was returned, or undefined if the response was empty. */
  readonly result: User | undefined;
}

export interface RequestReader {
  find(id: string): Promise<ConcludedRequest | undefined>;
}

/**
 * Stores mutations by request id. A claim is written in the transaction that makes the mutation, so it exists if and
 * only if the effects do. If the outcome of a commit is unknown, run the work again: the claim shows whether it took
 * place.
 */
export interface RequestRepository extends RequestReader {
  /**
   * Claims a request id for this transaction. Returns undefined if it was free, otherwise the request that used it. If
   * several transactions claim one id, one succeeds, and the others wait for it to end or are retried.
   */
  claim(request: MutationRequest): Promise<ConcludedRequest | undefined>;

  /** Records the result of the claimed request. Call it once per request, before the transaction ends. */
  conclude(id: string, result: User | undefined): Promise<void>;

  /** Deletes up to `limit` requests that were claimed more than `age` milliseconds ago. Returns how many. */
  sweep(age: number, limit: number): Promise<number>;
}
