import type { User } from "../../domain/user/user.ts";

/** A mutation that asks to be made at most once (AIP-155). */
export interface MutationRequest {
  /** Lower-case UUID. */
  readonly id: string;
  /** Digest of the method and of all that the caller sent but secrets. */
  readonly fingerprint: string;
  /** PHC string of the secret that the caller sent, if any: tells a repetition from another secret. */
  readonly secretHash: string | undefined;
}

/** A mutation that was made, and what it answered. */
export interface ConcludedRequest extends MutationRequest {
  /** The user as it was answered, or undefined where the answer was empty. */
  readonly result: User | undefined;
}

export interface RequestReader {
  find(id: string): Promise<ConcludedRequest | undefined>;
}

/**
 * Remembers mutations by their request id. Because a claim is written in the transaction that makes the mutation, it is
 * there exactly where the effects are: whoever does not know whether a commit took place runs the work again, and the
 * claim tells.
 */
export interface RequestRepository extends RequestReader {
  /**
   * Claims a request id for this transaction: undefined where it was free. Otherwise answers what the id was used for.
   * Of several transactions that claim one id, one gets it and the others wait for its end or are run again.
   */
  claim(request: MutationRequest): Promise<ConcludedRequest | undefined>;

  /** Records what the claimed request answers. Once a request, before the transaction ends. */
  conclude(id: string, result: User | undefined): Promise<void>;

  /** Forgets up to `limit` requests that were claimed more than `age` milliseconds ago. Answers how many. */
  sweep(age: number, limit: number): Promise<number>;
}
