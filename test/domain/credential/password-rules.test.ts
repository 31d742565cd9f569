import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Call } from "../../../src/domain/call.ts";
import { nameWords, type Person } from "../../../src/domain/credential/own-words.ts";
import type { PasswordPolicy } from "../../../src/domain/credential/password.ts";
import { type BreachCheck, PasswordRules } from "../../../src/domain/credential/password-rules.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { CommonPasswordList } from "../../../src/infrastructure/passwords/common-password-list.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";
import { unguessable } from "../../support/unguessable.ts";
import { anyString, nameLike } from "../identifier/unicode-text.ts";

const common = new CommonPasswordList();
const nobody: Person = { email: undefined, username: undefined, displayName: "" };
const ada = { email: "ada.lovelace@example.com", username: "countess", displayName: "Ada Lovelace" };

function rulesOf(changes: { policy?: PasswordPolicy; breachCheck?: BreachCheck } = {}) {
  const failures: unknown[] = [];
  const rules = new PasswordRules({
    policy: { minLength: 15, maxLength: 256 },
    common,
    serviceWords: nameWords(["auth", "login.engines.test"]),
    breachCheck: undefined,
    onCheckFailure: (error) => failures.push(error),
    ...changes,
  });
  return {
    rules,
    failures,
    accept: async (raw: string, person = nobody, call: Call = aCall()) =>
      (await rules.accept(call, new Secret(raw), person, "password")).reveal(),
    broken: async (raw: string, person = nobody) =>
      (await rules.broken(aCall(), new Secret(raw), person)).map(({ rule }) => rule),
  };
}

const { accept, broken } = rulesOf();

/** So many different emoji: a password of four bytes a character. */
const emoji = (count: number) =>
  String.fromCodePoint(...[...unguessable(count)].map((c) => 0x1f300 + c.charCodeAt(0)));

describe("the length of a new password", () => {
  // NIST SP 800-63B-4 §3.1.1.2; ASVS 6.2.1, 6.2.9. In code points of the prepared password.
  it.each([
    ["15 code points", unguessable(15)],
    ["64 code points", unguessable(64)],
    ["256 code points", unguessable(256)],
    ["15 emoji", emoji(15)],
    ["256 emoji", emoji(256)],
    ["spaces around and within it", "  my dog   has fleas  "],
    ["15 code points once composed", unguessable(15).replace("z", "e\u0301")],
  ])("is good: %s", async (_, raw) => {
    expect(await accept(raw)).toBe(raw.normalize("NFC"));
  });

  it.each([
    ["14 code points", unguessable(14), "min-length"],
    ["14 emoji, which are 28 code units", emoji(14), "min-length"],
    ["14 code points once composed, 15 before", unguessable(14).replace("z", "e\u0301"), "min-length"],
    ["257 code points", unguessable(257), "max-length"],
    ["257 emoji, which are 1,028 bytes", emoji(257), "max-bytes"],
    ["1,025 bytes", unguessable(1_025), "max-bytes"],
    ["control characters", "my dog\thas fleas", "characters"],
    ["nothing", "", "characters"],
  ])("is not good: %s", async (_, raw, rule) => {
    expect(await broken(raw)).toEqual([rule]);
    await expect(accept(raw)).rejects.toMatchObject({ reason: "PASSWORD_UNACCEPTABLE" });
  });

  test("goes by the policy", async () => {
    const { accept, broken } = rulesOf({ policy: { minLength: 8, maxLength: 64 } });
    expect(await accept(unguessable(8))).toBe(unguessable(8));
    expect(await broken(unguessable(7))).toEqual(["min-length"]);
    expect(await broken(unguessable(65))).toEqual(["max-length"]);
  });
});

// NIST SP 800-63B-4 §3.1.1.2, ASVS 6.2.5: "no composition rules".
it.each([
  ["small letters", "kvzqhwjxbfygpmt"],
  ["capital letters", "KVZQHWJXBFYGPMT"],
  ["digits", "482910485726103"],
  ["marks", "!?;:+*~%&/(=)]{"],
  ["words and spaces", "my dog has fleas"],
  ["Hebrew and Latin", "סיסמה password!!"],
])("no kinds of characters are asked for: %s alone will do", async (_, raw) => {
  expect(await accept(raw)).toBe(raw);
});

describe("a new password that is guessed first", () => {
  it.each([
    ["is refused for anybody", "Password12345678", nobody, "common"],
    ["is refused for its user", "lovelace@example", ada, "own-words"],
    ["is refused for this service", "auth.engines.test 1", nobody, "own-words"],
    ["is refused for this service and its user", "engines-of-Lovelace", ada, "own-words"],
  ])("%s", async (_, raw, person, rule) => {
    expect(await broken(raw, person)).toEqual([rule]);
  });

  test("is good for somebody else", async () => {
    expect(await accept("lovelace@example", nobody)).toBe("lovelace@example");
  });

  test("is told from one that is too short, and both are said", async () => {
    const error: DomainError = await accept("hunter2").catch((reason) => reason);
    expect(error.violations).toMatchObject([
      { field: "password", description: "must be at least 15 characters" },
      { field: "password", description: expect.stringMatching(/^must not be a common password/) },
    ]);
    expect(error.message).toBe(
      `password: ${error.violations.map(({ description }) => description).join("; ")}`,
    );
  });

  test("is refused before it is known whose it is, where it is nobody's", () => {
    const { rules } = rulesOf();
    expect(() => rules.assertMeetsGeneralRules(new Secret("passwordpassword"), "new_password")).toThrow(
      expect.objectContaining({ violations: [expect.objectContaining({ field: "new_password" })] }),
    );
    rules.assertMeetsGeneralRules(new Secret("lovelace@example"), "new_password");
  });
});

describe("a new password that is known from a breach", () => {
  const good = "my dog has fleas";
  const asked: string[] = [];
  const breachedIs = (
    has: (call: Call, password: string) => Promise<boolean>,
    onFailure: "allow" | "refuse",
  ) => rulesOf({ breachCheck: { breached: { has }, onFailure } });
  const known = async (_: Call, password: string) => {
    asked.push(password);
    return password === good;
  };

  test("is refused", async () => {
    const { accept, broken } = breachedIs(known, "allow");
    expect(await broken(good)).toEqual(["breached"]);
    await expect(accept(good)).rejects.toMatchObject({
      reason: "PASSWORD_UNACCEPTABLE",
      violations: [{ field: "password", description: "has appeared in a data breach" }],
    });
    expect(await accept("my cat has fleas")).toBe("my cat has fleas");
  });

  test("is asked for as it is hashed, and only where nothing else is wrong with it", async () => {
    asked.length = 0;
    const { broken } = breachedIs(known, "allow");
    for (const raw of ["hunter2", "passwordpassword", unguessable(300), "", "a\tb"]) await broken(raw);
    await broken("lovelace@example", ada);
    expect(asked).toEqual([]);
    await broken("my dog has fle\u0061\u0301s");
    expect(asked).toEqual(["my dog has fle\u00e1s"]);
  });

  const cause = new Error("the breach check returned status 500");
  const failing = async () => {
    throw cause;
  };

  test("is taken where that cannot be found out, and somebody is told", async () => {
    const { accept, failures } = breachedIs(failing, "allow");
    expect(await accept(good)).toBe(good);
    expect(failures).toEqual([cause]);
  });

  test("is not taken where that cannot be found out and must be", async () => {
    const { accept, broken, failures } = breachedIs(failing, "refuse");
    for (const call of [accept(good), broken(good)]) {
      await expect(call).rejects.toMatchObject({
        reason: "BREACH_CHECK_UNAVAILABLE",
        kind: "unavailable",
        retryAfterMs: 5_000,
        cause,
      });
    }
    expect(failures).toEqual([cause, cause]);
    await expect(accept("hunter2")).rejects.toMatchObject({ reason: "PASSWORD_UNACCEPTABLE" });
  });

  test("is no longer asked for when the call is given up, which is no failure of the check", async () => {
    for (const onFailure of ["allow", "refuse"] as const) {
      const { call, cancel } = aCancellableCall();
      const { accept, failures } = breachedIs(async () => {
        cancel(new Error("the call was cancelled"));
        throw cause;
      }, onFailure);
      await expect(accept(good, nobody, call)).rejects.toThrow("the call was cancelled");
      expect(failures).toEqual([]);
    }
  });
});

test("what is said is one of a few sentences, whatever the password", async () => {
  const { rules } = rulesOf({ policy: { minLength: 300, maxLength: 299 } });
  const sentences = [
    "must be at most 1024 bytes of UTF-8",
    "must not be empty or contain control, invisible, private-use or unassigned characters",
    "must be at least 300 characters",
    "must be at most 299 characters",
    "must not be a common password, or consist of one or two common words, repetitions, and keyboard or digit sequences",
    "must not consist of names of the user or of this service, and one or two common words",
  ];
  const property = fc.asyncProperty(fc.oneof(anyString, nameLike), async (raw) => {
    const person = { ...nobody, displayName: raw };
    const error = await rules
      .accept(aCall(), new Secret(raw), person, "new_password")
      .catch((reason) => reason);
    expect(error).toBeInstanceOf(DomainError);
    const { violations } = error as DomainError;
    expect(violations.length).toBeGreaterThan(0);
    for (const { field, description } of violations) {
      expect(field).toBe("new_password");
      expect(sentences).toContain(description);
    }
  });
  await fc.assert(property);
});
