import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { AuditEvents, NewEvent } from "../audit/event.ts";
import type { Call } from "../call.ts";
import { assertInScope } from "../caller/grants.ts";
import { DomainError } from "../errors.ts";
import { type PageTokens, readPage } from "../page-tokens.ts";
import type { Secret } from "../secret.ts";
import { sweepAll } from "../sweep.ts";
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

/** Keeps the sessions once they have begun. */
export class SessionService {
  readonly #repository: RelationalRepository;
  readonly #limits: SessionLimits;
  readonly #issuer: TokenIssuer;
  readonly #refreshTokens: RefreshTokens;
  readonly #pageTokens: PageTokens;
  readonly #events: AuditEvents;
  readonly #onReuse: (session: Session) => void;

  constructor(dependencies: {
    repository: RelationalRepository;
    limits: SessionLimits;
    issuer: TokenIssuer;
    refreshTokens: RefreshTokens;
    pageTokens: PageTokens;
    events: AuditEvents;
    /** Told of a session that has just ended because one of its refresh tokens was used again. */
    onReuse: (session: Session) => void;
  }) {
    this.#repository = dependencies.repository;
    this.#limits = dependencies.limits;
    this.#issuer = dependencies.issuer;
    this.#refreshTokens = dependencies.refreshTokens;
    this.#pageTokens = dependencies.pageTokens;
    this.#events = dependencies.events;
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
  async revoke(call: Call, id: string): Promise<Session> {
    return this.#repository.transaction(call, async ({ sessions, events }) => {
      const end = await sessions.end(id.toLowerCase(), "revoked");
      if (end === undefined) throw sessionNotFound();
      const { session, ended } = end;
      // With the end of the session or not at all: a second run finds both or neither.
      if (ended) await events.add(this.#revoked(call, session.userId, session.id));
      return session;
    });
  }

  /** Answers how many sessions it has ended. */
  async revokeAll(call: Call, userId: string, except: string | undefined): Promise<number> {
    const id = userId.toLowerCase();
    return this.#repository.transaction(call, async ({ sessions, events }) => {
      const ended = await sessions.endAll(id, "revoked", except?.toLowerCase());
      await events.add(...ended.map((session) => this.#revoked(call, id, session)));
      return ended.length;
    });
  }

  /** Uses up a refresh token. @throws REFRESH_TOKEN_INVALID, OUT_OF_SCOPE */
  async refresh(call: Call, refreshToken: Secret): Promise<{ session: Session; tokens: Tokens }> {
    const grant = this.#refreshTokens.open(refreshToken.reveal());
    if (grant === undefined) throw refreshTokenInvalid();
    const { sessionId, generation } = grant;
    if (call.scope.isLimited) await this.#assertInScope(call, sessionId);
    await this.#issuer.prepare(call);
    const event = this.#events.of(call, { type: "session.refreshed" });
    const { sessions } = this.#repository.statement(call);
    const at = await sessions.refresh(sessionId, generation, this.#limits, event);
    if (at === undefined) throw refreshTokenInvalid();
    if (at.session.state !== "live") {
      this.#onReuse(at.session);
      throw refreshTokenInvalid();
    }
    return { session: at.session, tokens: this.#issuer.issue(at) };
  }

  /** Forgets sessions that ended long ago, in small steps. For a task in the background. */
  async forgetOld(call: Call): Promise<void> {
    await sweepAll((limit) => this.#repository.transaction(call, ({ sessions }) => sessions.sweep(limit)));
  }

  /** Reads first, as audience and client of a session never change: a call that is refused uses no refresh token. */
  async #assertInScope(call: Call, sessionId: string): Promise<void> {
    const session = await this.#repository.read(call).sessions.find(sessionId);
    if (session === undefined) throw refreshTokenInvalid();
    assertInScope(call, session.audience, session.client.id);
  }

  #revoked(call: Call, userId: string, objectId: string): NewEvent {
    return this.#events.of(call, { type: "session.revoked", userId, objectId });
  }
}

function refreshTokenInvalid(): DomainError {
  return new DomainError("REFRESH_TOKEN_INVALID", "the refresh token cannot be used; sign in again");
}
