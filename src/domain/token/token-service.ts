import type { Call } from "../call.ts";
import { invalidField } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { KeyRing } from "../signing-key/key-ring.ts";
import type { AccessTokenClaims, AccessTokens, ReadAccessToken } from "./access-tokens.ts";
import type { KnownStatus, SessionStatuses } from "./session-statuses.ts";

export interface Introspection {
  /** Who asks: tokens for others are not active. Undefined where they do not say. */
  readonly audience: string | undefined;
  /** How old an answer from memory may be, up to five minutes; 0 for none. */
  readonly maxStalenessMs: number;
}

const stalest = 300_000;
/** What `iat` may lie ahead of the database's clock: tokens are signed by other nodes' time. */
const leewayMs = 10_000;
/** Signatures that are checked before others get a turn: about two milliseconds. */
const checkedAtOnce = 32;

/** Tells whether access tokens are good (RFC 7662). */
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
    /** Resolves when everybody else has had a turn. */
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
   * The claims of a token that is good now; undefined for every other text, for whatever reason. Equal tokens have one and
   * the same object for as long as they are remembered.
   * @throws INVALID_REQUEST
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

  /** The same for many tokens, in their order. @throws INVALID_REQUEST */
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

  /** A token that the caller may not ask about is as any other that is not active (RFC 7662 §2.2). */
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
      // As fresh as the status: this instance may not have read the keys since one was revoked.
      !status.revokedKeys.includes(keyId) &&
      status.time < claims.exp * 1_000 &&
      claims.iat * 1_000 <= status.time + leewayMs &&
      this.#keyRing.isGoodAt(keyId, status.time)
    );
  }
}

/** Not a rule of the schema, which takes 30 µs for a duration: as long as all else of an answer from memory. */
function assertStaleness({ maxStalenessMs }: Introspection): void {
  if (maxStalenessMs >= 0 && maxStalenessMs <= stalest) return;
  throw invalidField("INVALID_REQUEST", "max_staleness", "must be from 0 to 300 seconds");
}
