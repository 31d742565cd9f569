import { describe, expect, test } from "vitest";
import { figure } from "../support/figures.ts";
import { faultOf } from "./named-tests.ts";

/**
 * Clauses of OWASP ASVS 5.0 that are about what this service does, in our own words, each with the test that shows it; or with
 * why none does yet. What is about browsers, mail or files is left out.
 */
type Clause =
  | readonly [id: string, says: string, file: string, name: string]
  | readonly [id: string, says: string, missing: string];

const passwords = "test/domain/credential/password-rules.test.ts";
const argon2 = "test/infrastructure/crypto/argon2-password-hasher.test.ts";
const authentication = "test/domain/credential/authentication-service.test.ts";
const sessions = "test/domain/session/session-service.test.ts";
const unsafe = "test/config/unsafe-configurations.test.ts";
const canaries = "test/canaries/canaries.test.ts";
const forged = "test/infrastructure/crypto/forged-access-tokens.test.ts";
const everyMethod = "test/callers/every-method.test.ts";

const clauses: readonly Clause[] = [
  [
    "4.1.3",
    "headers of proxies cannot be set by callers",
    "test/domain/caller/callers.test.ts",
    "from anybody else the header means nothing",
  ],
  [
    "6.1.1",
    "how guessing is limited without locking people out is documented and done",
    "test/domain/throttle/known-attempts.test.ts",
    "signs in while strangers keep the account locked, by both methods",
  ],
  ["6.2.1", "passwords have at least 8, better 15 characters", unsafe, "passwords of 14 as the only factor"],
  [
    "6.2.2",
    "people can change their passwords",
    authentication,
    "sets a new password where the current one is given",
  ],
  [
    "6.2.3",
    "a change takes the current password",
    authentication,
    "has one answer for everything that is not good, and changes nothing",
  ],
  [
    "6.2.4",
    "the 3,000 most common passwords are refused",
    "test/domain/credential/guessed-first.test.ts",
    "has 3,000 or more of %i characters, and every one is worth nothing",
  ],
  [
    "6.2.5",
    "no kind of character is asked for",
    "test/domain/credential/guessed-first.test.ts",
    "finds enough in 20 characters at random",
  ],
  [
    "6.2.8",
    "passwords are checked as a whole, as they came",
    argon2,
    "every byte counts: no truncation at 64, 72, 128 bytes or NUL (Okta 2024)",
  ],
  ["6.2.9", "passwords of 64 characters and more are taken", unsafe, "passwords that may not be long"],
  ["6.2.11", "words of the context are refused", passwords, "is good for somebody else"],
  ["6.2.12", "breached passwords are refused", passwords, "is refused"],
  [
    "6.3.1",
    "guessing is limited",
    "test/contract/attempt-contract.ts",
    "are no more at once than one after another",
  ],
  [
    "6.3.2",
    "there is no account that everybody knows",
    "test/domain/caller/policy.test.ts",
    "without a file there are the built-in roles, and nobody has one",
  ],
  ["6.3.3", "there is a second factor", "there is none yet"],
  [
    "6.3.8",
    "who has an account cannot be told by answers",
    authentication,
    "has one answer for everything that is not good",
  ],
  [
    "6.4.6",
    "administrators do not choose people's passwords",
    "SetPassword does: a one-time setup secret is not there yet",
  ],
  ["6.5.1", "one-time passwords are good once", "there are none yet"],
  [
    "7.2.1",
    "sessions are checked by the service",
    "test/tokens/ended-sessions.test.ts",
    "nothing of what is undone brings them back",
  ],
  [
    "7.1.2",
    "how many sessions an account may have is documented, and what happens beyond",
    "test/domain/credential/authenticate.test.ts",
    "ends the oldest session when one more begins, deletes it, and writes an event",
  ],
  [
    "7.2.3",
    "tokens have at least 128 bits of randomness or are signed",
    "test/infrastructure/crypto/hmac-refresh-tokens.test.ts",
    "anything made up",
  ],
  [
    "7.2.4",
    "a sign-in begins a new session",
    "test/domain/credential/authenticate.test.ts",
    "takes an identifier in any form, and each begins a session of its own",
  ],
  [
    "7.3.1",
    "sessions end when they are idle",
    sessions,
    "it lives until it was idle for too long, and no longer",
  ],
  [
    "7.3.2",
    "sessions end after a while",
    sessions,
    "it lives until its absolute limit however often it is refreshed, and no longer",
  ],
  [
    "7.4.1",
    "a session that has ended is no good",
    sessions,
    "ends one session, answers it, and is safe to repeat",
  ],
  [
    "7.4.2",
    "all sessions end with the account",
    "test/domain/user/user-service.test.ts",
    "end when it is %s, in the transaction that does so",
  ],
  [
    "7.4.3",
    "other sessions end with a change of the password",
    authentication,
    "all end when it is changed, but for the one that is kept",
  ],
  ["7.4.5", "administrators can end sessions", sessions, "ends the live sessions of one user"],
  ["8.2.1", "every method needs a permission", everyMethod, "%s: somebody who may"],
  [
    "8.2.2",
    "data is for who may see it, one by one",
    "callers are services, and a permission is for all users: there are no tenants",
  ],
  ["8.3.1", "permission is checked here, not by callers", everyMethod, "%s: nobody"],
  [
    "9.1.1",
    "tokens are verified by their signature before anything else",
    forged,
    "there are forgeries of both kinds, each of its own name and none of them good",
  ],
  ["9.1.2", "only allowed algorithms, never none", unsafe, "no algorithm"],
  [
    "9.1.3",
    "keys come from where they are known to come from",
    forged,
    "there are forgeries of both kinds, each of its own name and none of them good",
  ],
  [
    "9.2.1",
    "tokens are good within their time",
    "test/domain/token/token-service.test.ts",
    "that was issued more than 10 s from now",
  ],
  [
    "9.2.3",
    "tokens are for who they say",
    "test/tokens/forged-tokens.test.ts",
    "for who says who they are, only tokens for them are good",
  ],
  [
    "10.4.5",
    "refresh tokens are good once, and a second use is noticed",
    "test/tokens/refresh-races.test.ts",
    "every older token ends the session too",
  ],
  [
    "10.4.8",
    "refresh tokens end, however often they are used",
    sessions,
    "it lives until its absolute limit however often it is refreshed, and no longer",
  ],
  [
    "11.1.1",
    "keys have a life cycle: made, rotated, revoked, destroyed",
    "test/tokens/revoked-signing-key.test.ts",
    "that is revoked at one replica is worth nothing at any of them, from the answer on",
  ],
  ["11.1.2", "there is an inventory of cryptography", "test/conformance/security-md.test.ts", "SECURITY.md"],
  [
    "11.3.2",
    "ciphers are approved, with authentication",
    "test/infrastructure/crypto/wrapping-keys.test.ts",
    "no changed bytes open, and none crash",
  ],
  ["11.4.2", "passwords are hashed slowly, with enough memory", unsafe, "hashes that are fast to guess"],
  [
    "11.5.1",
    "random numbers cannot be guessed",
    "test/infrastructure/crypto/hmac-service-account-keys.test.ts",
    "is another each time, also of one id",
  ],
  [
    "12.1.1",
    "TLS 1.2 and 1.3 only",
    "test/infrastructure/tls-ports.test.ts",
    "speaks TLS 1.2 and 1.3 and nothing older",
  ],
  [
    "12.1.3",
    "client certificates are checked before anybody is taken for them",
    everyMethod,
    "another authority's of the same name: nobody, or not even a connection",
  ],
  ["12.3.1", "connections to others are encrypted", unsafe, "a database in plaintext"],
  ["12.3.2", "certificates of others are checked", unsafe, "a database that need not prove who it is"],
  [
    "12.3.5",
    "services know each other by strong means",
    everyMethod,
    "another authority's of the same name: nobody, or not even a connection",
  ],
  [
    "13.1.2",
    "limits of connections and what happens there are documented",
    "test/config/config.test.ts",
    "the table has a row for each setting",
  ],
  [
    "13.2.2",
    "parts of the service work with the fewest privileges that they need",
    "test/infrastructure/db/embedded-postgres/process-owner.test.ts",
    "lets in the service's role only, by its password, and that role is not a superuser",
  ],
  ["13.2.3", "no credential that everybody knows", unsafe, "a database's password that everybody knows"],
  [
    "13.3.1",
    "secrets of the service are kept apart from what they protect",
    unsafe,
    "a wrapping key beside what it wraps, in production",
  ],
  ["13.4.2", "no debugging in production", unsafe, "an inspector in production"],
  ["14.2.1", "no secret in a URL", "test/e2e/jwks.test.ts", "%s takes no token in a URL"],
  [
    "15.4.2",
    "what is checked and done is one step",
    "test/domain/credential/authenticate.test.ts",
    "another password is looked at once more, and is wrong",
  ],
  ["16.2.5", "no secret in a log", canaries, "no secret is"],
  [
    "16.3.1",
    "every attempt to sign in is recorded",
    "good ones are, with the session; that failed ones are too is not shown here yet",
  ],
  [
    "16.4.1",
    "nothing can be smuggled into a log",
    "test/infrastructure/process/logger.test.ts",
    "a line is one line whatever it holds (log injection)",
  ],
  [
    "16.5.1",
    "errors say nothing of the inside",
    "test/interfaces/rpc/log-calls.test.ts",
    "a defect is an error with its cause, which the caller does not get",
  ],
  [
    "16.5.3",
    "what fails, fails closed",
    "test/domain/caller/callers.test.ts",
    "that cannot be looked up is no reason to let it in, and is asked for again",
  ],
];

const isShown = (clause: Clause): clause is readonly [string, string, string, string] => clause.length === 4;

describe("OWASP ASVS 5.0, clause", () => {
  test.each(clauses.filter(isShown))("%s: %s", (_id, _says, file, name) => {
    expect(faultOf(file, name)).toBeUndefined();
  });

  test("each is there once", () => {
    expect(new Set(clauses.map(([id]) => id)).size).toBe(clauses.length);
    const chapters = Map.groupBy(clauses, ([id]) => `V${id.split(".")[0]}`);
    const counts = [...chapters].map(([name, all]) => [
      name,
      `${all.filter(isShown).length} of ${all.length}`,
    ]);
    figure("clauses of ASVS 5.0 that a test shows", {
      all: `${clauses.filter(isShown).length} of ${clauses.length}`,
      ...Object.fromEntries(counts),
    });
  });
});
