import type {
  RelationalRepository,
  Repositories,
} from "../../interfaces/relationaldb/relational-repository.ts";
import type { UserQuery } from "../../interfaces/relationaldb/user-repository.ts";
import type { AuditEvents, EventType } from "../audit/event.ts";
import type { Call } from "../call.ts";
import { personOf } from "../credential/own-words.ts";
import type { PasswordHasher } from "../credential/password-hasher.ts";
import type { PasswordRules } from "../credential/password-rules.ts";
import { DomainError, invalidField } from "../errors.ts";
import { type DomainToAscii, parseEmail } from "../identifier/email.ts";
import { canonicalEmailPrefix } from "../identifier/identifier.ts";
import { parseUsername } from "../identifier/username.ts";
import { type PageTokens, readPage } from "../page-tokens.ts";
import type { Mutation, Mutations } from "../request/mutations.ts";
import type { Secret } from "../secret.ts";
import type { SessionStatuses } from "../token/session-statuses.ts";
import { changedFieldsOf } from "./changed-fields.ts";
import { applyUpdateMask, type UserFields } from "./update-mask.ts";
import {
  assertAttributeKeys,
  assertIdentified,
  type Identifier,
  User,
  type UserDraft,
  type UserProfile,
  userNotFound,
} from "./user.ts";
import { nameOf, namesOf, parseReference, tryParseReference, type UserReference } from "./user-reference.ts";

export interface CreateUser extends UserFields {
  readonly password: Secret | undefined;
  readonly requestId: string | undefined;
}

/** A change of one user, conditional on `etag` if it is set. */
export interface ChangeUser {
  readonly id: string;
  readonly etag: string | undefined;
  readonly requestId: string | undefined;
}

export interface UpdateUser extends ChangeUser {
  readonly fields: UserFields;
  readonly mask: readonly string[];
}

export interface SuspendUser extends ChangeUser {
  readonly reason: string;
  readonly untilTime: Date | undefined;
}

export interface ListUsers extends Omit<UserQuery, "after" | "limit"> {
  /** 0 means the default. */
  readonly pageSize: number;
  /** Empty for the first page. */
  readonly pageToken: string;
}

export interface UserPage {
  readonly users: readonly User[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** The event of each method that changes a user. */
const eventOf = {
  UpdateUser: "user.updated",
  DeleteUser: "user.deleted",
  UndeleteUser: "user.undeleted",
  SuspendUser: "user.suspended",
  UnsuspendUser: "user.unsuspended",
} as const satisfies Record<string, EventType>;

/** Creates, reads and changes users. Owns the lifecycle of a user; authentication is in the credential folder. */
export class UserService {
  readonly #repository: RelationalRepository;
  readonly #mutations: Mutations;
  readonly #hasher: PasswordHasher;
  readonly #passwordRules: PasswordRules;
  readonly #pageTokens: PageTokens;
  readonly #toAscii: DomainToAscii;
  readonly #events: AuditEvents;
  readonly #statuses: SessionStatuses;
  readonly #newId: () => string;

  constructor(dependencies: {
    repository: RelationalRepository;
    mutations: Mutations;
    hasher: PasswordHasher;
    passwordRules: PasswordRules;
    pageTokens: PageTokens;
    toAscii: DomainToAscii;
    events: AuditEvents;
    statuses: SessionStatuses;
    newId: () => string;
  }) {
    this.#repository = dependencies.repository;
    this.#mutations = dependencies.mutations;
    this.#hasher = dependencies.hasher;
    this.#passwordRules = dependencies.passwordRules;
    this.#pageTokens = dependencies.pageTokens;
    this.#toAscii = dependencies.toAscii;
    this.#events = dependencies.events;
    this.#statuses = dependencies.statuses;
    this.#newId = dependencies.newId;
  }

  /**
   * @throws EMAIL_INVALID, USERNAME_INVALID, PASSWORD_UNACCEPTABLE, BREACH_CHECK_UNAVAILABLE, EMAIL_TAKEN,
   *   USERNAME_TAKEN, REQUEST_ID_REUSED, OVERLOADED
   */
  async create(call: Call, { password: raw, requestId, ...fields }: CreateUser): Promise<User> {
    const profile = this.#parseProfile(fields);
    assertIdentified(profile);
    const mutation = { requestId, method: "CreateUser", content: fields };
    const password = raw === undefined ? undefined : await this.#accept(call, raw, profile, mutation);
    if (password instanceof User) return password;
    const secret =
      password === undefined
        ? undefined
        : { password, hash: await this.#hasher.hash(call, password.reveal()) };
    return this.#mutations.once(call, { ...mutation, secret }, async ({ users, credentials, events }) => {
      const user = await users.insert(this.#newId(), profile);
      if (secret !== undefined) await credentials.put(user.id, secret.hash);
      const changedFields = [
        ...changedFieldsOf(undefined, user),
        ...(secret === undefined ? [] : ["password"]),
      ];
      await events.add(this.#events.of(call, { type: "user.created", userId: user.id, changedFields }));
      return user;
    });
  }

  /** @throws USER_NOT_FOUND, EMAIL_INVALID, USERNAME_INVALID */
  async get(call: Call, reference: UserReference): Promise<User> {
    const user = await this.#repository.read(call).users.find(parseReference(reference, this.#toAscii));
    if (user === undefined) throw userNotFound();
    return user;
  }

  /** For each reference, in order, the user or the error that `get` would throw. */
  async batchGet(call: Call, references: readonly UserReference[]): Promise<(User | DomainError)[]> {
    const keys = references.map((reference) => tryParseReference(reference, this.#toAscii));
    const found = await this.#repository
      .read(call)
      .users.findMany(keys.filter((key) => !(key instanceof DomainError)));
    const index = new Map(found.flatMap((user) => namesOf(user).map((name) => [name, user] as const)));
    return keys.map((key) => (key instanceof DomainError ? key : (index.get(nameOf(key)) ?? userNotFound())));
  }

  /** @throws PAGE_TOKEN_INVALID */
  async list(call: Call, { pageSize, pageToken, ...query }: ListUsers): Promise<UserPage> {
    const scope = JSON.stringify(query, Object.keys(query).sort());
    const emailPrefix = query.emailPrefix === undefined ? undefined : canonicalEmailPrefix(query.emailPrefix);
    const { items, nextPageToken } = await readPage(
      call,
      this.#pageTokens,
      { pageSize, pageToken, scope, boundTo: "filter, order and show_deleted" },
      (after, limit) => this.#repository.read(call).users.list({ ...query, emailPrefix, after, limit }),
    );
    return { users: items, nextPageToken };
  }

  /**
   * @throws USER_NOT_FOUND, USER_DELETED, ETAG_MISMATCH, UPDATE_MASK_INVALID, EMAIL_INVALID, USERNAME_INVALID,
   *   EMAIL_TAKEN, USERNAME_TAKEN, REQUEST_ID_REUSED
   */
  async update(call: Call, { fields, mask, ...change }: UpdateUser): Promise<User> {
    return this.#change(call, "UpdateUser", change, { fields, mask }, (user) => {
      return user.edited(this.#parseProfile(applyUpdateMask(mask, fieldsOf(user), fields), user));
    });
  }

  /** @throws USER_NOT_FOUND, ETAG_MISMATCH, REQUEST_ID_REUSED */
  async delete(call: Call, change: ChangeUser): Promise<User> {
    const work = this.#change(
      call,
      "DeleteUser",
      change,
      {},
      (user) => user.deleted(),
      async (user, { sessions }) => {
        await sessions.endAll(user.id, "user-deleted", undefined);
      },
    );
    return this.#statuses.forgetUserAfter(change.id.toLowerCase(), work);
  }

  /** @throws USER_NOT_FOUND, USER_NOT_DELETED, ETAG_MISMATCH, REQUEST_ID_REUSED */
  async undelete(call: Call, change: ChangeUser): Promise<User> {
    return this.#change(call, "UndeleteUser", change, {}, (user) => user.undeleted());
  }

  /** @throws USER_NOT_FOUND, USER_DELETED, SUSPENSION_IN_PAST, ETAG_MISMATCH, REQUEST_ID_REUSED */
  async suspend(call: Call, { reason, untilTime, ...change }: SuspendUser): Promise<User> {
    const work = this.#change(
      call,
      "SuspendUser",
      change,
      { reason, untilTime },
      (user) => user.suspended(reason, untilTime),
      async (user, { sessions }) => {
        // The database's clock decides whether a time has passed: it has if the returned user is not suspended.
        if (user.state !== "suspended") {
          throw invalidField("SUSPENSION_IN_PAST", "until_time", "must be in the future");
        }
        await sessions.endAll(user.id, "user-suspended", undefined);
      },
    );
    return this.#statuses.forgetUserAfter(change.id.toLowerCase(), work);
  }

  /** @throws USER_NOT_FOUND, USER_DELETED, ETAG_MISMATCH, REQUEST_ID_REUSED */
  async unsuspend(call: Call, change: ChangeUser): Promise<User> {
    return this.#change(call, "UnsuspendUser", change, {}, (user) => user.unsuspended());
  }

  /** Reads a user, applies `draft` and then runs `conclude`, once per request. */
  #change(
    call: Call,
    method: keyof typeof eventOf,
    { id, etag, requestId }: ChangeUser,
    details: object,
    draft: (user: User) => UserDraft | undefined,
    conclude: (user: User, repositories: Repositories) => Promise<void> = async () => {},
  ): Promise<User> {
    const mutation = { requestId, method, content: { id: id.toLowerCase(), etag, ...details } };
    return this.#mutations.once(call, mutation, async (repositories: Repositories) => {
      const { users, events } = repositories;
      const user = await users.find({ kind: "id", id: id.toLowerCase() });
      if (user === undefined) throw userNotFound();
      user.assertEtag(etag);
      const wanted = draft(user);
      if (wanted === undefined) return user;
      const changed = await users.update(user, wanted);
      await conclude(changed, repositories);
      const changedFields = changedFieldsOf(user, changed);
      await events.add(this.#events.of(call, { type: eventOf[method], userId: user.id, changedFields }));
      return changed;
    });
  }

  /**
   * The prepared password; or, if the same request was made before under less strict rules, the user that it created.
   */
  async #accept(call: Call, raw: Secret, profile: UserProfile, mutation: Mutation): Promise<Secret | User> {
    try {
      return await this.#passwordRules.accept(call, raw, personOf(profile), "password");
    } catch (error) {
      const earlier = await this.#mutations.earlier(call, mutation, raw);
      if (earlier?.result === undefined) throw error;
      return earlier.result;
    }
  }

  /**
   * Canonicalises fields. Values that `known` already has are not checked again, because rules may have become
   * stricter.
   */
  #parseProfile({ email, username, displayName, attributes }: UserFields, known?: UserProfile): UserProfile {
    assertAttributeKeys(attributes, known?.attributes);
    return {
      email: parsed(email, known?.email, (raw) => parseEmail(raw, "user.email", this.#toAscii)),
      username: parsed(username, known?.username, (raw) => parseUsername(raw, "user.username")),
      displayName,
      attributes,
    };
  }
}

function parsed(
  raw: string | undefined,
  known: Identifier | undefined,
  parse: (raw: string) => Identifier,
): Identifier | undefined {
  if (raw === undefined) return undefined;
  return raw === known?.value ? known : parse(raw);
}

function fieldsOf({ email, username, displayName, attributes }: User): UserFields {
  return { email: email?.value, username: username?.value, displayName, attributes };
}
