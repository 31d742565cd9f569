import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";
import type { BreachedPasswords } from "../../../src/domain/credential/breached-passwords.ts";
import { PasswordRule } from "../../../src/gen/auth/v1/authentication_service_pb.ts";
import { askedOf } from "../../support/asked.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { errorOf, rpcOn } from "../../support/rpc.ts";
import { cheapArgon2, password, servicesOn } from "../../support/services.ts";
import { unguessable } from "../../support/unguessable.ts";

let repository: InMemoryRepository;
let rpc: ReturnType<typeof rpcOn>;
let breached: BreachedPasswords["has"];
let adaId: string;

beforeEach(async () => {
  repository = new InMemoryRepository();
  breached = async () => false;
  const environment = {
    AUTH_BREACH_CHECK_URL: "https://breaches.test",
    AUTH_BREACH_CHECK_ON_FAILURE: "refuse",
  };
  const breachedPasswords: BreachedPasswords = { has: (call, text) => breached(call, text) };
  rpc = rpcOn(repository, servicesOn(repository, cheapArgon2, environment, breachedPasswords));
  const ada = { email: "ada@example.com", username: "countess", displayName: "Ada Lovelace" };
  const { user } = await rpc.users.createUser({ user: ada, password });
  adaId = user?.id ?? "";
});

const forAda = (text: string) =>
  rpc.authentication.validatePassword({ password: text, subject: { case: "userId", value: adaId } });
const forNew = (text: string, value: { email?: string; username?: string; displayName?: string } = {}) =>
  rpc.authentication.validatePassword({ password: text, subject: { case: "newUser", value } });

describe("ValidatePassword", () => {
  test.each([
    ["nothing", "", [PasswordRule.CHARACTERS]],
    ["a control character", "my dog\0has fleas", [PasswordRule.CHARACTERS]],
    ["what only becomes too long once it is prepared", "\u0958".repeat(341), [PasswordRule.CHARACTERS]],
    ["14 characters", unguessable(14), [PasswordRule.MIN_LENGTH]],
    ["257 characters", unguessable(257), [PasswordRule.MAX_LENGTH]],
    ["a short and common one", "hunter2", [PasswordRule.MIN_LENGTH, PasswordRule.COMMON]],
    ["a common one", "Passwordpassword", [PasswordRule.COMMON]],
    ["one of the user's words", "lovelace countess", [PasswordRule.OWN_WORDS]],
    ["a good one", "my dog has fleas", []],
  ])("answers which rules are broken: %s", async (_, text, rules) => {
    const { acceptable, brokenRules } = await forAda(text);
    expect(brokenRules.map(({ rule }) => rule)).toEqual(rules);
    expect(acceptable).toBe(rules.length === 0);
    for (const { description } of brokenRules) expect(description).toMatch(/^must /);
  });

  test("looks for the names of somebody who is no user yet, in whatever form", async () => {
    const rulesFor = async (...about: Parameters<typeof forNew>) =>
      (await forNew(...about)).brokenRules.map(({ rule }) => rule);
    expect(await rulesFor("grace brewster 1906", {})).toEqual([]);
    for (const names of [
      { email: "grace@brewster.example" },
      { email: "Grace.Brewster@" },
      { username: "brewster grace @@" },
      { displayName: "ＧＲＡＣＥ Brewster" },
    ]) {
      expect(await rulesFor("grace brewster 1906", names)).toEqual([PasswordRule.OWN_WORDS]);
    }
  });

  test("says what is known from a breach", async () => {
    breached = async (_, text) => text === "my dog has fleas";
    const { acceptable, brokenRules } = await forNew("my dog has fleas");
    expect({ acceptable, brokenRules }).toMatchObject({
      acceptable: false,
      brokenRules: [{ rule: PasswordRule.BREACHED, description: "has appeared in a data breach" }],
    });
  });

  test("says as SetPassword and CreateUser do", async () => {
    for (const text of ["lovelace countess", "hunter2", "my dog has fleas", password]) {
      const { acceptable, brokenRules } = await forAda(text);
      const sentences = brokenRules.map(({ description }) => description);
      const setting = rpc.authentication.setPassword({ userId: adaId, password: text });
      if (acceptable) await setting;
      else {
        const { reason, violations } = await errorOf(setting);
        expect(reason).toBe("PASSWORD_UNACCEPTABLE");
        expect(violations.map(({ description }) => description)).toEqual(sentences);
      }
    }
  });

  test("asks the database at most who the user is, and changes nothing", async () => {
    const asked = askedOf(repository);
    await forNew("my dog has fleas");
    expect(asked).toEqual([]);
    await forAda("my dog has fleas");
    expect(asked.map(({ what }) => what)).toEqual(["users.find"]);
    await rpc.authentication.verifyPassword({ identifier: "countess", password });
  });

  test("knows a deleted user, and says where there is none", async () => {
    await rpc.users.deleteUser({ id: adaId });
    expect((await forAda("lovelace countess")).acceptable).toBe(false);
    const nobody = { case: "userId", value: randomUUID() } as const;
    expect(
      await errorOf(rpc.authentication.validatePassword({ password: "x", subject: nobody })),
    ).toMatchObject({ code: Code.NotFound, reason: "USER_NOT_FOUND" });
  });

  test("leaves nothing of a password in the log, nor in what is said of it", async () => {
    breached = async () => {
      throw new Error("the breach check returned status 500");
    };
    const secret = "s3cret tea for two";
    const error = await errorOf(forAda(secret));
    expect(error).toMatchObject({
      code: Code.Unavailable,
      reason: "BREACH_CHECK_UNAVAILABLE",
      retryAfterMs: 5_000,
      fields: [],
    });
    const refused = await forAda("s3cret");
    expect(rpc.services.warnings).toHaveLength(1);
    const said = [rpc.log, rpc.services.warnings, error, refused].map((part) =>
      JSON.stringify(part, (_, value) => (value instanceof Error ? `${value.stack} ${value.cause}` : value)),
    );
    expect(said.join()).not.toContain("s3cret");
  });
});
