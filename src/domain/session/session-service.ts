import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import type { Call } from "../call.ts";
import { assertInScope } from "../caller/grants.ts";
import { DomainError } from "../errors.ts";
import { type PageTokens, readPage } from "../page-tokens.ts";
import type { Secret } from "../secret.ts";
import { sweepAll } from "../sweep.ts";
import type { SessionStatuses } from "../token/session-statuses.ts";
import type { TokenIssuer, Tokens } from "../token/token-issuer.ts";
import type { RefreshTokens } from "./refresh-tokens.ts";
import { type Session, type SessionLimits, sessionNotFound } from "./session.ts";

export interface ListSessions {
  readonly userId: string;
  readonly showEnded: boolean;
  /** 0 means the default. */
  readonly pageSize: number;
  /** Empty for the first page. */
  readonly pageToken: string;
}

export interface SessionPage {
  readonly sessions: readonly Session[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** The additional permission that RefreshSession requires for a session that another caller began. */
const refreshAny = "sessions.refreshAny";
/** Small enough that no other transaction waits long. */
const settledAtOnce = 500;

/** Reads, refreshes and revokes sessions. */
export class SessionService {
  readonly #repository: RelationalRepository;
  readonly #limits: SessionLimits;
  readonly #issuer: TokenIssuer;
  readonly #refreshTokens: RefreshTokens;
  readonly #pageTokens: PageTokens;
  readonly #events: AuditEvents;
  readonly #statuses: SessionStatuses;
  readonly #onReuse: (session: Session) => void;

  constructor(dependencies: {
    repository: RelationalRepository;
    limits: SessionLimits;
    issuer: TokenIssuer;
    refreshTokens: RefreshTokens;
    pageTokens: PageTokens;
    events: AuditEvents;
    statuses: SessionStatuses;
    /** Called when a session has just been ended because one of its refresh tokens was reused. */
    onReuse: (session: Session) => void;
  }) {
    this.#repository = dependencies.repository;
    this.#limits = dependencies.limits;
    this.#issuer = dependencies.issuer;
    this.#refreshTokens = dependencies.refreshTokens;
    this.#pageTokens = dependencies.pageTokens;
    this.#events = dependencies.events;
    this.#statuses = dependencies.statuses;
    this.#onReuse = dependencies.onReuse;
  }

  /** @throws SESSION_NOT_FOUND */
  async get(call: Call, id: string): Promise<Session> {
    const session = await this.#repository.read(call).sessions.find(id.toLowerCase());
    if (session === undefined) throw sessionNotFound();
    return session;
  }

  /** @throws PAGE_TOKEN_INVALID */
  async list(call: Call, { userId, showEnded, pageSize, pageToken }: ListSessions): Promise<SessionPage> {
    const query = { userId: userId.toLowerCase(), liveOnly: !showEnded };
    const scope = JSON.stringify(["sessions", query.userId, query.liveOnly]);
    const { items, nextPageToken } = await readPage(
      call,
      this.#pageTokens,
      { pageSize, pageToken, scope, boundTo: "user_id and show_ended" },
      (after, limit) => this.#repository.read(call).sessions.list({ ...query, after, limit }),
    );
    return { sessions: items, nextPageToken };
  }

  /** @throws SESSION_NOT_FOUND */
  async revoke(call: Call, sessionId: string): Promise<Session> {
    const id = sessionId.toLowerCase();
    const work = this.#repository.transaction(call, async ({ sessions, events }) => {
      const end = await sessions.end(id, "revoked");
      if (end === undefined) throw sessionNotFound();
      const { session, ended } = end;
      // Event and session end are written in one transaction: a retry finds both or neither.
      if (ended) {
        const { userId } = session;
        await events.add(this.#events.of(call, { type: "session.revoked", userId, objectId: id }));
      }
      return session;
    });
    // Also on failure, because the outcome may be unknown.
    return work.finally(() => this.#statuses.forgetSession(id));
  }

  /** Ends all sessions of a user except `except`. The user need not exist. */
  async revokeAll(call: Call, userId: string, except: string | undefined): Promise<void> {
    const id = userId.toLowerCase();
    const kept = except?.toLowerCase();
    const event = this.#events.of(call, { type: "user-sessions.revoked", userId: id, objectId: kept ?? "" });
    const work = this.#repository.transaction(call, async ({ sessions, events }) => {
      if (await sessions.endAll(id, "revoked", kept)) await events.add(event);
    });
    await this.#statuses.forgetUserAfter(id, work);
  }

  /**
   * Consumes a refresh token and returns new tokens.
   * @throws REFRESH_TOKEN_INVALID; OUT_OF_SCOPE; PERMISSION_DENIED if another caller began the session
   */
  async refresh(
    call: Call,
    refreshToken: Secret,
    clientAddress = "",
  ): Promise<{ session: Session; tokens: Tokens }> {
    const grant = this.#refreshTokens.open(refreshToken.reveal());
    if (grant === undefined) throw refreshTokenInvalid();
    const { sessionId, generation } = grant;
    if (call.scope.isLimited) await this.#assertInScope(call, sessionId);
    await this.#issuer.prepare(call);
    const event = this.#events.of(call, { type: "session.refreshed", clientAddress });
    const { sessions } = this.#repository.statement(call);
    const caller = call.may(refreshAny) ? undefined : call.origin.caller;
    const at = await sessions.refresh({ id: sessionId, generation, caller }, this.#limits, event);
    if (at === undefined) {
      if (caller !== undefined) await this.#assertBegunBy(call, sessionId, caller);
      throw refreshTokenInvalid();
    }
    if (at.session.state !== "live") {
      this.#statuses.forgetSession(at.session.id);
      this.#onReuse(at.session);
      throw refreshTokenInvalid();
    }
    return { session: at.session, tokens: this.#issuer.issue(at) };
  }

  async #assertBegunBy(call: Call, sessionId: string, caller: string): Promise<void> {
    const session = await this.#repository.read(call).sessions.find(sessionId);
    if (session === undefined || session.caller === caller) return;
    throw new DomainError(
      "PERMISSION_DENIED",
      `the session was created by another caller; refresh it as that caller, or grant ${caller} the permission "${refreshAny}"`,
    );
  }

  /**
   * After all sessions of a user were ended at once, writes the end into each of them, in small steps. For a background
   * task.
   */
  async materialiseEnds(call: Call): Promise<void> {
    while (await this.#repository.transaction(call, ({ sessions }) => sessions.settle(settledAtOnce)));
  }

  /** Purges sessions that ended long ago, in small steps. For a background task. */
  async forgetOld(call: Call): Promise<void> {
    await sweepAll((limit) => this.#repository.transaction(call, ({ sessions }) => sessions.sweep(limit)));
  }

  /**
   * Checked before the refresh, so that a refused call consumes no refresh token. The audience and client of a session
   * never change.
   */
  async #assertInScope(call: Call, sessionId: string): Promise<void> {
    const session = await this.#repository.read(call).sessions.find(sessionId);
    if (session === undefined) throw refreshTokenInvalid();
    assertInScope(call, session.audience, session.client.id);
  }
}

function refreshTokenInvalid(): DomainError {
  return new DomainError(
    "REFRESH_TOKEN_INVALID",
    "the refresh token is invalid, expired or revoked; sign in again",
  );
}
