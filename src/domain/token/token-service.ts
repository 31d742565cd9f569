import type { Call } from "../call.ts";
import { invalidField } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { KeyRing } from "../signing-key/key-ring.ts";
import type { AccessTokenClaims, AccessTokens, ReadAccessToken } from "./access-tokens.ts";
import type { KnownStatus, SessionStatuses } from "./session-statuses.ts";

export interface Introspection {
  /** The audience of the caller: tokens for another one are inactive. Undefined to accept any. */
  readonly audience: string | undefined;
  /** Maximum age of a remembered status, up to five minutes; 0 to query the database. */
  readonly maxStalenessMs: number;
}

const stalest = 300_000;
/** How far `iat` may be ahead of the database's clock, because tokens are signed with the time of other nodes. */
const leewayMs = 10_000;
/** Signatures verified before yielding the event loop: about two milliseconds. */
const checkedAtOnce = 32;

/** Introspects access tokens (RFC 7662). */
export class TokenService {
  readonly #issuer: string;
  readonly #audiences: ReadonlySet<string>;
  readonly #accessTokens: AccessTokens;
  readonly #keyRing: KeyRing;
  readonly #statuses: SessionStatuses;
  readonly #nextTurn: () => Promise<void>;

  constructor(dependencies: {
    issuer: string;
    audiences: ReadonlySet<string>;
    accessTokens: AccessTokens;
    keyRing: KeyRing;
    statuses: SessionStatuses;
    /** Yields: resolves after other pending work has run. */
    nextTurn: () => Promise<void>;
  }) {
    this.#issuer = dependencies.issuer;
    this.#audiences = dependencies.audiences;
    this.#accessTokens = dependencies.accessTokens;
    this.#keyRing = dependencies.keyRing;
    this.#statuses = dependencies.statuses;
    this.#nextTurn = dependencies.nextTurn;
  }

  /**
   * The claims of an active token; undefined for any other text, whatever the reason. Equal tokens return the same
   * object as long as they are remembered.
   * @throws INVALID_REQUEST if `maxStalenessMs` is out of range
   */
  async introspect(call: Call, token: Secret, asked: Introspection): Promise<AccessTokenClaims | undefined> {
    assertStaleness(asked);
    await this.#keyRing.reloadIfStale(call);
    const read = this.#read(call, token, asked);
    if (read === undefined) return undefined;
    const { sid } = read.claims;
    const status =
      this.#statuses.recall(sid, asked.maxStalenessMs) ?? (await this.#statuses.ask(call, [sid])).get(sid);
    return this.#isGood(read, status) ? read.claims : undefined;
  }

  /**
   * Introspects many tokens. Results are in the order of the tokens.
   * @throws INVALID_REQUEST if `maxStalenessMs` is out of range
   */
  async batchIntrospect(
    call: Call,
    tokens: readonly Secret[],
    asked: Introspection,
  ): Promise<(AccessTokenClaims | undefined)[]> {
    assertStaleness(asked);
    await this.#keyRing.reloadIfStale(call);
    const reads = await this.#readAll(call, tokens, asked);
    const statuses = new Map<string, KnownStatus>();
    const unknown = new Set<string>();
    for (const read of reads) {
      if (read === undefined) continue;
      const { sid } = read.claims;
      const status = this.#statuses.recall(sid, asked.maxStalenessMs);
      if (status === undefined) unknown.add(sid);
      else statuses.set(sid, status);
    }
    if (unknown.size > 0) {
      for (const [sid, status] of await this.#statuses.ask(call, [...unknown])) statuses.set(sid, status);
    }
    return reads.map((read) =>
      this.#isGood(read, statuses.get(read?.claims.sid ?? "")) ? read.claims : undefined,
    );
  }

  async #readAll(
    call: Call,
    tokens: readonly Secret[],
    asked: Introspection,
  ): Promise<(ReadAccessToken | undefined)[]> {
    const reads: (ReadAccessToken | undefined)[] = [];
    for (const token of tokens) {
      if (reads.length > 0 && reads.length % checkedAtOnce === 0) await this.#nextTurn();
      reads.push(this.#read(call, token, asked));
    }
    return reads;
  }

  /** A token outside of the caller's scope is reported like any inactive token (RFC 7662 §2.2). */
  #read({ scope }: Call, token: Secret, { audience }: Introspection): ReadAccessToken | undefined {
    const read = this.#accessTokens.read(token.reveal(), this.#keyRing.keys);
    if (read === undefined) return undefined;
    const { iss, aud, client_id: clientId } = read.claims;
    const isForUs = iss === this.#issuer && this.#audiences.has(aud);
    const isForCaller = (audience === undefined || audience === aud) && scope.allows(aud, clientId);
    return isForUs && isForCaller ? read : undefined;
  }

  #isGood(read: ReadAccessToken | undefined, status: KnownStatus | undefined): read is ReadAccessToken {
    if (read === undefined || status === undefined) return false;
    const { claims, keyId } = read;
    return (
      status.live &&
      status.userId === claims.sub &&
      // Taken from the status, because this instance may not have reloaded the keys since one was revoked.
      !status.revokedKeys.includes(keyId) &&
      status.time < claims.exp * 1_000 &&
      claims.iat * 1_000 <= status.time + leewayMs &&
      this.#keyRing.isValidAt(keyId, status.time)
    );
  }
}

/** Not a schema rule: that takes 30 µs for a duration, as long as the rest of an answer from memory. */
function assertStaleness({ maxStalenessMs }: Introspection): void {
  if (maxStalenessMs >= 0 && maxStalenessMs <= stalest) return;
  throw invalidField("INVALID_REQUEST", "max_staleness", "must be from 0 to 300 seconds");
}
