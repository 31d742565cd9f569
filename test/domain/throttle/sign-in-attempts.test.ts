import { beforeEach, describe, expect, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";
import { type ClockedServices, client, clockedServices } from "../../support/clocked-services.ts";
import { day, minute, second } from "../../support/clocks.ts";
import { audience, otherPassword, password } from "../../support/services.ts";

let services: ClockedServices;
beforeEach(async () => {
  services = await clockedServices();
});

/** What an attempt is answered: a reason, the seconds after which to come back, or OK. */
async function answerOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "OK";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return [error.reason, ...(error.retryAfterMs === undefined ? [] : [error.retryAfterMs / second])].join(
      " ",
    );
  }
}

const verify = (identifier: string, secret = otherPassword, ipAddress = "") =>
  answerOf(
    services.authentication.verifyPassword(aCall(), { identifier, password: new Secret(secret), ipAddress }),
  );
const authenticate = (identifier: string, secret = otherPassword) =>
  answerOf(
    services.authentication.authenticate(aCall(), {
      identifier,
      password: new Secret(secret),
      audience,
      client: { ...client, ipAddress: "" },
    }),
  );
const change = (userId: string, currentPassword = otherPassword, newPassword = "another good pass phrase") =>
  answerOf(
    services.authentication.changePassword(aCall(), {
      userId,
      currentPassword: new Secret(currentPassword),
      newPassword: new Secret(newPassword),
      keepSessionId: undefined,
      requestId: undefined,
    }),
  );
const times = async (count: number, attempt: () => Promise<string>) => {
  const answers: string[] = [];
  for (let i = 0; i < count; i++) answers.push(await attempt());
  return answers;
};
const wrong = "CREDENTIALS_INVALID";
const refused = (seconds: number) => `TOO_MANY_ATTEMPTS ${seconds}`;
const tenTimes = Array<string>(10).fill(wrong);

describe.each(["ada", "nobody"])("attempts on the account of %s", (name) => {
  beforeEach(() => services.create("ada"));

  test("ten are free; then each closes it for longer, up to 15 minutes", async () => {
    expect(await times(10, () => verify(name))).toEqual(tenTimes);
    for (const seconds of [30, 60, 120, 240, 480, 900, 900, 900]) {
      expect(await verify(name)).toBe(refused(seconds));
      services.clocks.pass((seconds - 1) * second);
      // Whole seconds, and not a moment before they are over.
      expect(await verify(name)).toBe(refused(1));
      services.clocks.pass(999);
      expect(await verify(name)).toBe(refused(1));
      services.clocks.pass(1);
      expect(await verify(name)).toBe(wrong);
    }
  });

  test("at a hundred it stays closed, whatever time goes by, and no time is named", async () => {
    expect(await times(10, () => verify(name))).toEqual(tenTimes);
    for (let failures = 10; failures < 100; failures++) {
      services.clocks.pass(15 * minute);
      expect(await verify(name)).toBe(wrong);
    }
    expect(await verify(name)).toBe("TOO_MANY_ATTEMPTS");
    services.clocks.pass(29 * day);
    expect(await verify(name, password)).toBe("TOO_MANY_ATTEMPTS");
  });

  test("time alone forgives nothing before that either", async () => {
    expect(await times(9, () => verify(name))).toEqual(tenTimes.slice(1));
    services.clocks.pass(29 * day);
    expect(await verify(name)).toBe(wrong);
    expect(await verify(name)).toBe(refused(30));
  });
});

describe("attempts", () => {
  test("a success forgets them, and a right password is refused while the account is closed", async () => {
    await services.create("ada");
    await times(9, () => verify("ada"));
    expect(await verify("ada", password)).toBe("OK");
    await times(9, () => verify("ada"));
    expect(await authenticate("ada", password)).toBe("OK");
    expect(await times(10, () => authenticate("ada"))).toEqual(tenTimes);
    expect(await authenticate("ada", password)).toBe(refused(30));
    services.clocks.pass(30 * second);
    expect(await verify("ada", password)).toBe("OK");
    expect(await times(10, () => verify("ada"))).toEqual(tenTimes);
  });

  test("a password that is set anew opens what time does not", async () => {
    const { id } = await services.create("ada");
    for (let failures = 0; failures < 100; failures++) {
      await verify("ada");
      services.clocks.pass(15 * minute);
    }
    expect(await verify("ada", password)).toBe("TOO_MANY_ATTEMPTS");
    const anew = "a password that was set anew";
    await services.authentication.setPassword(aCall(), {
      userId: id,
      password: new Secret(anew),
      requestId: undefined,
    });
    expect(await verify("ada", anew)).toBe("OK");
  });

  test("are of the account, by email, username or id, in any spelling, and by any method", async () => {
    const { id } = await services.create("ada");
    const ways = [
      () => verify("ada"),
      () => verify("ADA"),
      () => verify("Ａda"),
      () => authenticate("ada@example.com"),
      () => authenticate("Ada@EXAMPLE.com"),
      () => change(id),
      () => change(id.toUpperCase()),
    ];
    for (let place = 0; place < 10; place++) expect(await ways[place % ways.length]!()).toBe(wrong);
    for (const way of ways) expect(await way()).toBe(refused(30));
    expect(await change(id, password)).toBe(refused(30));
  });

  test("of a text that is no identifier are counted for that text", async () => {
    expect(await times(10, () => verify("a b@"))).toEqual(tenTimes);
    expect(await verify("a b@")).toBe(refused(30));
    expect(await verify("a c@")).toBe(wrong);
  });

  test("names that nobody has are forgotten after 30 days, and users never", async () => {
    await services.create("ada");
    for (const name of ["ada", "nobody"]) await times(10, () => verify(name));
    services.clocks.pass(29 * day);
    expect(await verify("nobody")).toBe(wrong);
    services.clocks.pass(30 * day - 1);
    await services.attempts.forgetOld(aCall());
    expect(await verify("nobody")).toBe(wrong);
    services.clocks.pass(30 * day + 1);
    await services.attempts.forgetOld(aCall());
    expect(await times(10, () => verify("nobody"))).toEqual(tenTimes);
    services.clocks.pass(3_650 * day);
    await services.attempts.forgetOld(aCall());
    expect(await verify("ada")).toBe(wrong);
    expect(await verify("ada")).toBe(refused(60));
  });

  test("the failures of one network are counted over all accounts, and its window ends", async () => {
    services = await clockedServices({ AUTH_NETWORK_ATTEMPT_LIMIT: "20" });
    await services.create("ada");
    for (let i = 0; i < 20; i++)
      expect(await verify(`nobody-${i}`, otherPassword, `192.0.2.${i}`)).toBe(wrong);
    expect(await verify("ada", password, "192.0.2.77")).toBe(refused(900));
    expect(await verify("ada", password, "::ffff:192.0.2.77")).toBe(refused(900));
    expect(await verify("ada", password, "192.0.3.77")).toBe("OK");
    services.clocks.pass(15 * minute);
    expect(await verify("ada", password, "192.0.2.77")).toBe("OK");
  });

  describe("that are not made", () => {
    test("are given back where there is no room for a hash, or the caller goes before it", async () => {
      const { id } = await services.create("ada");
      const { call, cancel } = aCancellableCall();
      const verifying = (by = aCall()) =>
        services.authentication.verifyPassword(by, {
          identifier: "ada",
          password: new Secret(otherPassword),
        });
      // All places of the pool are taken, by somebody else.
      const others = ["x", "y"].map((name) => verify(name));
      const waiting = verifying(call);
      cancel(new Error("the call was cancelled"));
      await expect(waiting).rejects.toThrow("the call was cancelled");
      await Promise.all(others);
      expect(await times(10, () => change(id))).toEqual(tenTimes);
      expect(await verify("ada")).toBe(refused(30));
    });
  });
});
