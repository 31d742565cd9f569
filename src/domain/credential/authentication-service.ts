import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { UserKey } from "../../interfaces/relationaldb/user-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import type { Call } from "../call.ts";
import { assertInScope } from "../caller/grants.ts";
import { DomainError, invalidField, type Reason } from "../errors.ts";
import type { DomainToAscii } from "../identifier/email.ts";
import { parseIdentifier } from "../identifier/identifier.ts";
import type { Mutations } from "../request/mutations.ts";
import type { Secret } from "../secret.ts";
import type { Client, Session, SessionLimits } from "../session/session.ts";
import { SessionLimit } from "../session/session-limit.ts";
import { type DeviceChoice, type KnownDevices, noDevice } from "../throttle/known-devices.ts";
import type { SignInAttempts } from "../throttle/sign-in-attempts.ts";
import type { SessionStatuses } from "../token/session-statuses.ts";
import type { TokenIssuer, Tokens } from "../token/token-issuer.ts";
import { type User, userNotFound } from "../user/user.ts";
import { type Person, personOf } from "./own-words.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { credentialsInvalid, PasswordProofs, type Proof } from "./password-proofs.ts";
import type { BrokenRule, PasswordRules } from "./password-rules.ts";

export interface VerifyPassword {
  readonly identifier: string;
  readonly password: Secret;
  /** IP address of the person's client, if the caller reports it. */
  readonly ipAddress?: string | undefined;
  readonly device?: DeviceChoice;
}

/** The authenticated user, and the token for the device, if any. */
export interface Verified {
  readonly user: User;
  readonly deviceToken: Secret | undefined;
}

export interface Authenticate {
  readonly identifier: string;
  readonly password: Secret;
  readonly audience: string;
  readonly client: Client;
  readonly device?: DeviceChoice;
}

export interface SignIn {
  readonly user: User;
  readonly session: Session;
  readonly tokens: Tokens;
  readonly deviceToken: Secret | undefined;
}

export interface ValidatePassword {
  readonly password: Secret;
  /** The person whose password it would be: a user, or a person who is not a user yet. */
  readonly subject: { readonly userId: string } | Person;
}

export interface SetPassword {
  readonly userId: string;
  readonly password: Secret;
  readonly requestId: string | undefined;
}

export interface ChangePassword {
  readonly userId: string;
  readonly currentPassword: Secret;
  readonly newPassword: Secret;
  /** The session to keep. */
  readonly keepSessionId: string | undefined;
  /** IP address of the person's client, if the caller reports it. */
  readonly ipAddress?: string | undefined;
  readonly requestId: string | undefined;
}

/**
 * An identifier that no user can have. It is looked up in place of invalid identifiers, so that the work is the same.
 */
const unmatchableKey: UserKey = { kind: "username", key: "" };

/** The fields of a user that a new password changes. */
const changedFields = ["password"];

/** Authenticates users by password, and sets passwords. */
export class AuthenticationService {
  readonly #repository: RelationalRepository;
  readonly #mutations: Mutations;
  readonly #hasher: PasswordHasher;
  readonly #proofs: PasswordProofs;
  readonly #passwordRules: PasswordRules;
  readonly #toAscii: DomainToAscii;
  readonly #audiences: ReadonlySet<string>;
  readonly #sessionLimits: SessionLimits;
  readonly #sessionLimit: SessionLimit;
  readonly #statuses: SessionStatuses;
  readonly #issuer: TokenIssuer;
  readonly #devices: KnownDevices;
  readonly #events: AuditEvents;
  readonly #newId: () => string;

  constructor(dependencies: {
    repository: RelationalRepository;
    mutations: Mutations;
    hasher: PasswordHasher;
    passwordRules: PasswordRules;
    toAscii: DomainToAscii;
    audiences: ReadonlySet<string>;
    sessionLimits: SessionLimits;
    issuer: TokenIssuer;
    attempts: SignInAttempts;
    devices: KnownDevices;
    events: AuditEvents;
    statuses: SessionStatuses;
    newId: () => string;
    /** Called if a correct password could not be rehashed. The sign-in succeeds nevertheless. */
    onRehashFailure: (error: unknown) => void;
  }) {
    this.#repository = dependencies.repository;
    this.#mutations = dependencies.mutations;
    this.#hasher = dependencies.hasher;
    this.#passwordRules = dependencies.passwordRules;
    this.#toAscii = dependencies.toAscii;
    this.#audiences = dependencies.audiences;
    this.#sessionLimits = dependencies.sessionLimits;
    this.#issuer = dependencies.issuer;
    this.#devices = dependencies.devices;
    this.#events = dependencies.events;
    this.#newId = dependencies.newId;
    this.#statuses = dependencies.statuses;
    this.#sessionLimit = new SessionLimit({ ...dependencies, perUser: dependencies.sessionLimits.perUser });
    this.#proofs = new PasswordProofs(dependencies);
  }

  /**
   * Returns the active user with this identifier and password. Every other case executes as many statements, also
   * computes one hash, and throws the same error (NIST 800-63B-4 §3.2.2, ASVS 6.3.8).
   * @throws CREDENTIALS_INVALID, TOO_MANY_ATTEMPTS, OVERLOADED
   */
  async verifyPassword(
    call: Call,
    { identifier, password, ipAddress = "", device = noDevice }: VerifyPassword,
  ): Promise<Verified> {
    const key = parseIdentifier(identifier, this.#toAscii) ?? unmatchableKey;
    const knownBy = this.#devices.knownBy(device);
    const attempt = { type: "password.verified", key, name: identifier, ipAddress, knownBy } as const;
    const proof = await this.#proofs.prove(call, attempt, password, async (proof, allowed) => {
      await allowed.succeeded();
      return proof;
    });
    const deviceToken = await this.#remember(call, proof, device);
    await this.#proofs.rehashIfOutdated(call, proof);
    return { user: proof.user, deviceToken };
  }

  /**
   * Begins a session of the user that `verifyPassword` would return. Takes at most three round trips to the database
   * besides the hash, and one more transaction each if the device is to be remembered or the user has reached the limit
   * of sessions. If the password is replaced or the user is suspended between check and begin, the sign-in fails.
   * @throws OUT_OF_SCOPE, AUDIENCE_UNKNOWN, CREDENTIALS_INVALID, TOO_MANY_ATTEMPTS, OVERLOADED
   */
  async authenticate(
    call: Call,
    { identifier, password, audience, client, device = noDevice }: Authenticate,
  ): Promise<SignIn> {
    // Checked first, so that a limited caller learns nothing about other audiences and no attempt is counted.
    assertInScope(call, audience, client.id);
    if (!this.#audiences.has(audience)) {
      throw invalidField("AUDIENCE_UNKNOWN", "audience", "is not configured (AUTH_AUDIENCES)");
    }
    await this.#issuer.prepare(call);
    const key = parseIdentifier(identifier, this.#toAscii) ?? unmatchableKey;
    const id = this.#newId();
    const { ipAddress } = client;
    const knownBy = this.#devices.knownBy(device);
    const attempt = { type: "session.begun", key, name: identifier, ipAddress, knownBy } as const;
    // A concurrent sign-in of the same user may have rehashed the password; this one then tries once more.
    for (let tries = 0; tries < 2; tries++) {
      const signIn = await this.#proofs.prove(call, attempt, password, async (proof, allowed) => {
        const { user, passwordHash } = proof;
        const happened = { type: "session.begun", userId: user.id, objectId: id } as const;
        const event = this.#events.of(call, { ...happened, clientAddress: ipAddress });
        const { account } = allowed;
        const { caller } = call.origin;
        const session = { id, userId: user.id, caller, audience, client, passwordHash, account };
        const { sessions } = this.#repository.statement(call);
        // Also clears the failed attempts.
        const begun = await sessions.begin(session, this.#sessionLimits, event);
        if (begun !== undefined) return { proof, begun };
        await (tries === 0 ? allowed.givenBack() : allowed.failed("CREDENTIALS_INVALID"));
        return undefined;
      });
      if (signIn === undefined) continue;
      const { proof, begun } = signIn;
      await this.#sessionLimit.enforce(call, proof.user.id);
      const deviceToken = await this.#remember(call, proof, device);
      await this.#proofs.rehashIfOutdated(call, proof);
      return { user: proof.user, session: begun.session, tokens: this.#issuer.issue(begun), deviceToken };
    }
    throw credentialsInvalid();
  }

  /**
   * The rules that a password would break if it were set. Nothing is hashed or changed.
   * @throws PERMISSION_DENIED, USER_NOT_FOUND, BREACH_CHECK_UNAVAILABLE
   */
  async validatePassword(
    call: Call,
    { password, subject }: ValidatePassword,
  ): Promise<readonly BrokenRule[]> {
    const person = "userId" in subject ? await this.#visiblePerson(call, subject.userId) : subject;
    return this.#passwordRules.broken(call, password, person);
  }

  /**
   * Sets a password without the current one, and ends all sessions.
   * @throws PASSWORD_UNACCEPTABLE, BREACH_CHECK_UNAVAILABLE, USER_NOT_FOUND, USER_DELETED, REQUEST_ID_REUSED,
   *   OVERLOADED
   */
  async setPassword(call: Call, { userId, password: raw, requestId }: SetPassword): Promise<void> {
    const id = userId.toLowerCase();
    const request = { requestId, method: "SetPassword", content: { id } };
    const password = await this.#acceptFor(call, id, raw).catch(async (error) => {
      // The rules may have become stricter since the same request was first made.
      if (await this.#mutations.earlier(call, request, raw)) return undefined;
      throw error;
    });
    if (password === undefined) return;
    const secret = { password, hash: await this.#hasher.hash(call, password.reveal()) };
    const mutation = { ...request, secret };
    const work = this.#mutations.once(call, mutation, async (repositories) => {
      const { users, credentials, sessions, attempts, devices, events } = repositories;
      const user = await users.find({ kind: "id", id });
      if (user === undefined) throw userNotFound();
      user.assertNotDeleted();
      await credentials.put(id, secret.hash);
      await sessions.endAll(id, "password-changed", undefined);
      await attempts.forgive(id);
      await devices.forgetAll(id);
      await events.add(this.#events.of(call, { type: "password.set", userId: id, changedFields }));
      return undefined;
    });
    await this.#statuses.forgetUserAfter(id, work);
  }

  /**
   * Sets a password, given the current one, and ends all other sessions.
   * @throws CREDENTIALS_INVALID, TOO_MANY_ATTEMPTS, PASSWORD_UNACCEPTABLE, BREACH_CHECK_UNAVAILABLE, REQUEST_ID_REUSED,
   *   OVERLOADED
   */
  async changePassword(call: Call, change: ChangePassword): Promise<void> {
    const id = change.userId.toLowerCase();
    const keep = change.keepSessionId?.toLowerCase();
    const request = { requestId: change.requestId, method: "ChangePassword", content: { id, keep } };
    // Once the change is made, the current password of the request is no longer current.
    const earlier = () => this.#mutations.earlier(call, request, change.newPassword);
    if (await earlier()) return;
    this.#passwordRules.assertMeetsGeneralRules(change.newPassword, "new_password");

    const key: UserKey = { kind: "id", id };
    const knownBy = keep === undefined ? undefined : { sessionId: keep };
    const { ipAddress = "" } = change;
    const attempt = { type: "password.changed", key, name: id, ipAddress, knownBy } as const;
    const replace = async ({ user, passwordHash: current }: Proof) => {
      const password = await this.#passwordRules.accept(
        call,
        change.newPassword,
        personOf(user),
        "new_password",
      );
      const secret = { password, hash: await this.#hasher.hash(call, password.reveal()) };
      const work = this.#mutations.once(call, { ...request, secret }, async (repositories) => {
        const { credentials, sessions, attempts, devices, events } = repositories;
        const found = await credentials.find(key);
        const replaced =
          found?.user.state === "active" && (await credentials.replace(id, current, secret.hash));
        if (!replaced) throw credentialsInvalid();
        await sessions.endAll(id, "password-changed", keep);
        await attempts.forgive(id);
        await devices.forgetAll(id);
        await events.add(this.#events.of(call, { type: "password.changed", userId: id, changedFields }));
        return undefined;
      });
      await this.#statuses.forgetUserAfter(id, work);
    };
    await this.#proofs
      .prove(call, attempt, change.currentPassword, async (proof, allowed) => {
        try {
          await replace(proof);
        } catch (error) {
          if (confirmsPassword(error)) await allowed.failed(error.reason);
          throw error;
        }
      })
      .catch(async (error) => {
        // The same request may have been sent twice concurrently, and the other one may have made the change.
        if (isRefusal(error) && (await earlier())) return;
        throw error;
      });
  }

  #remember(call: Call, { user, passwordHash }: Proof, device: DeviceChoice): Promise<Secret | undefined> {
    return this.#devices.remember(call, { userId: user.id, passwordHash }, device);
  }

  async #person(call: Call, id: string): Promise<Person> {
    const user = await this.#repository.read(call).users.find({ kind: "id", id });
    if (user === undefined) throw userNotFound();
    return personOf(user);
  }

  /**
   * Requires "users.get", because the broken rules reveal parts of the user's names. A caller that may read the user
   * learns nothing new.
   */
  async #visiblePerson(call: Call, userId: string): Promise<Person> {
    if (!call.may("users.get")) {
      throw new DomainError(
        "PERMISSION_DENIED",
        'user_id: requires the permission "users.get", because the response reveals parts of the user\'s names; ' +
          "send new_user with the names instead",
      );
    }
    return this.#person(call, userId.toLowerCase());
  }

  async #acceptFor(call: Call, id: string, raw: Secret): Promise<Secret> {
    this.#passwordRules.assertMeetsGeneralRules(raw, "password");
    return this.#passwordRules.accept(call, raw, await this.#person(call, id), "password");
  }
}

/** Whether a failure after the check reveals that the current password is correct. Such an attempt must count. */
function confirmsPassword(error: unknown): error is DomainError {
  return error instanceof DomainError && confirming.has(error.reason);
}

const confirming: ReadonlySet<Reason> = new Set([
  "PASSWORD_UNACCEPTABLE",
  "BREACH_CHECK_UNAVAILABLE",
  "REQUEST_ID_REUSED",
  "OVERLOADED",
]);

/** Whether an attempt was refused: wrong credentials, or too many attempts. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof DomainError &&
    (error.reason === "CREDENTIALS_INVALID" || error.reason === "TOO_MANY_ATTEMPTS")
  );
}
