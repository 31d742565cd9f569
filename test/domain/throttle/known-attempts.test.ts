import { beforeEach, describe, expect, test } from "vitest";
import type { EventType } from "../../../src/domain/audit/event.ts";
import type { ValidatePassword } from "../../../src/domain/credential/authentication-service.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { aCall } from "../../support/calls.ts";
import { type ClockedServices, client, clockedServices } from "../../support/clocked-services.ts";
import { day, minute, second } from "../../support/clocks.ts";
import { audience, otherPassword, password } from "../../support/services.ts";

let services: ClockedServices;
let id: string;
beforeEach(async () => {
  services = await clockedServices();
  ({ id } = await services.create("ada"));
});

const wrong = "CREDENTIALS_INVALID";
const locked = "TOO_MANY_ATTEMPTS";

async function answerOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "OK";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return error.reason;
  }
}

const device = (token?: string, remember = false) => ({
  token: token === undefined ? undefined : new Secret(token),
  remember,
});
const verifying = (secret: string, chosen = device(), identifier = "ada", ipAddress = "") =>
  services.authentication.verifyPassword(aCall(), {
    identifier,
    password: new Secret(secret),
    ipAddress,
    device: chosen,
  });
const authenticating = (secret: string, chosen = device()) =>
  services.authentication.authenticate(aCall(), {
    identifier: "ada",
    password: new Secret(secret),
    audience,
    client,
    device: chosen,
  });
const verify = (secret: string, token?: string, identifier?: string) =>
  answerOf(verifying(secret, device(token), identifier));
const authenticate = (secret: string, token?: string) => answerOf(authenticating(secret, device(token)));
const change = (currentPassword: string, keepSessionId?: string, newPassword = "another good pass phrase") =>
  answerOf(
    services.authentication.changePassword(aCall(), {
      userId: id,
      currentPassword: new Secret(currentPassword),
      newPassword: new Secret(newPassword),
      keepSessionId,
      requestId: undefined,
    }),
  );
/** A token for a device on which ada signs in. */
const aToken = async (before?: string) => {
  const { deviceToken } = await authenticating(password, device(before, true));
  expect(deviceToken?.reveal()).toMatch(/^auth_dt_[A-Za-z0-9_-]{43}$/);
  return deviceToken?.reveal() ?? "";
};
/** Strangers who guess until nothing helps. */
const lockForGood = async () => {
  for (let guesses = 0; guesses < 100; guesses++) {
    await verify(otherPassword);
    services.clocks.pass(15 * minute);
  }
  expect(await verify(password)).toBe(locked);
};
const times = async (count: number, attempt: () => Promise<string>) => {
  const answers: string[] = [];
  for (let i = 0; i < count; i++) answers.push(await attempt());
  return answers;
};
const eventsOf = async (...types: EventType[]) => {
  const page = await services.events.list(aCall(), {
    userId: id,
    types,
    outcome: undefined,
    caller: undefined,
    createdAfter: undefined,
    createdBefore: undefined,
    pageSize: 100,
    pageToken: "",
  });
  return page.events;
};

describe("a known device", () => {
  test("signs in while strangers keep the account locked, by both methods", async () => {
    const token = await aToken();
    await lockForGood();
    expect(await authenticate(password)).toBe(locked);
    expect(await authenticate(password, token)).toBe("OK");
    expect(await verify(password, token)).toBe("OK");
    // Which opens the account to nobody else.
    expect(await verify(password)).toBe(locked);
  });

  test("is not refused for its network", async () => {
    services = await clockedServices({ AUTH_NETWORK_ATTEMPT_LIMIT: "10" });
    ({ id } = await services.create("ada"));
    const token = await aToken();
    const from = (name: string, secret: string, chosen = device()) =>
      answerOf(verifying(secret, chosen, name, "192.0.2.1"));
    await times(10, () => from("nobody", otherPassword));
    expect(await from("ada", password)).toBe(locked);
    expect(await from("ada", password, device(token))).toBe("OK");
  });

  test("that is stolen spends its own budget, and locks itself only: 20 guesses in a row, whatever time goes by", async () => {
    const token = await aToken();
    const other = await aToken();
    const answers = await times(100, async () => {
      const answer = await verify(otherPassword, token);
      services.clocks.pass(15 * minute);
      return answer;
    });
    expect(answers.filter((answer) => answer === wrong)).toHaveLength(20);
    expect(await verify(password, token)).toBe(locked);
    expect(await verify(password, other)).toBe("OK");
    expect(await times(9, () => verify(otherPassword))).toEqual(Array<string>(9).fill(wrong));
    expect(await verify(password)).toBe("OK");
    const [event] = await eventsOf("account.locked");
    expect(event).toMatchObject({ outcome: "success", objectId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });

  test("means nothing to another user, after 30 days, and after the password was replaced", async () => {
    const token = await aToken();
    await services.create("grace");
    await times(10, () => verify(otherPassword, undefined, "grace"));
    expect(await verify(password, token, "grace")).toBe(locked);

    services.clocks.pass(30 * day - second);
    await times(10, () => verify(otherPassword));
    expect(await verify(password, token)).toBe("OK");
    services.clocks.pass(second);
    await times(1, () => verify(otherPassword));
    expect(await verify(password, token)).toBe(locked);

    services.clocks.pass(15 * minute);
    expect(await verify(password)).toBe("OK");
    const next = await aToken();
    expect(await change(password)).toBe("OK");
    await times(10, () => verify(otherPassword));
    expect(await verify("another good pass phrase", next)).toBe(locked);
  });

  test("gets a new token at each sign-in that asks for one, and the old one is good no more", async () => {
    const first = await aToken();
    const second = await aToken(first);
    expect(second).not.toBe(first);
    await lockForGood();
    expect(await verify(password, first)).toBe(locked);
    expect(await verify(password, second)).toBe("OK");
    const { deviceToken } = await verifying(password, device(second, true));
    expect(await verify(password, deviceToken?.reveal())).toBe("OK");
  });

  test("is one of ten: the oldest make room", async () => {
    const tokens: string[] = [];
    for (let i = 0; i < 12; i++) {
      services.clocks.pass(second);
      tokens.push(await aToken());
    }
    await lockForGood();
    const answers: string[] = [];
    for (const token of tokens) answers.push(await verify(password, token));
    expect(answers).toEqual([...Array<string>(2).fill(locked), ...Array<string>(10).fill("OK")]);
  });

  test("gets no token unless it asks, and none for a wrong password", async () => {
    expect((await verifying(password)).deviceToken).toBeUndefined();
    expect((await authenticating(password)).deviceToken).toBeUndefined();
    expect(await answerOf(verifying(otherPassword, device(undefined, true)))).toBe(wrong);
  });

  test("that is forgotten leaves nothing", async () => {
    await aToken();
    services.clocks.pass(31 * day);
    await services.devices.forgetOld(aCall());
    await services.attempts.forgetOld(aCall());
    expect(await services.repository.transaction(aCall(), ({ devices }) => devices.sweep(10))).toBe(0);
  });
});

describe("a text that is not a device token of the user", () => {
  test.each(["", "x", "auth_dt_", "' or 1=1 --", `auth_dt_${"A".repeat(43)}`])(
    "counts as none: %j",
    async (text) => {
      await times(10, () => verify(otherPassword, text));
      expect(await verify(password, text)).toBe(locked);
      expect(await verify(password)).toBe(locked);
    },
  );

  test("is answered for a name that nobody has as for one that somebody has", async () => {
    const token = await aToken();
    const guesses = (name: string) => times(12, () => verify(otherPassword, `${token}x`, name));
    expect(await guesses("nobody")).toEqual(await guesses("ada"));
  });
});

describe("ChangePassword in a live session", () => {
  test("has a budget of its own, in both directions", async () => {
    services = await clockedServices({ AUTH_SESSION_IDLE: "72h" });
    ({ id } = await services.create("ada"));
    const { session } = await authenticating(password);
    await lockForGood();
    expect(await change(password)).toBe(locked);
    expect(await change(password, session.id)).toBe("OK");
    expect(await verify("another good pass phrase")).toBe("OK");
  });

  test("does not lock the account", async () => {
    const { session } = await authenticating(password);
    const answers = await times(12, () => change(otherPassword, session.id));
    expect(answers).toEqual([...Array<string>(10).fill(wrong), locked, locked]);
    expect(await verify(password)).toBe("OK");
    expect(await eventsOf("account.locked")).toMatchObject([{ objectId: session.id }]);
  });

  test("and in one that has ended is counted with the account's", async () => {
    const { session } = await authenticating(password);
    await services.sessions.revoke(aCall(), session.id);
    await times(10, () => change(otherPassword, session.id));
    expect(await verify(password)).toBe(locked);
  });
});

describe("ChangePassword with the right current password and a new one that is not acceptable", () => {
  const names = () => change(password, undefined, "ada@example.com ada");

  test("is counted: it confirms the password ten times and no more", async () => {
    const answers = await times(12, names);
    expect(answers).toEqual([...Array<string>(10).fill("PASSWORD_UNACCEPTABLE"), locked, locked]);
    expect(await verify(password)).toBe(locked);
  });

  test("has an event", async () => {
    await names();
    expect(await eventsOf("password.changed")).toMatchObject([
      { outcome: "failure", reason: "PASSWORD_UNACCEPTABLE", userId: id },
    ]);
  });

  test("is not counted if the new one is no good for anybody: the current one is not looked at", async () => {
    expect(await times(12, () => change(password, undefined, "hunter2"))).toEqual(
      Array<string>(12).fill("PASSWORD_UNACCEPTABLE"),
    );
    expect(await eventsOf("password.changed")).toEqual([]);
    expect(await change(password)).toBe("OK");
  });
});

describe("ValidatePassword", () => {
  const validate = (subject: ValidatePassword["subject"], may: (grant: string) => boolean) =>
    answerOf(
      services.authentication.validatePassword(
        { ...aCall(), may },
        { password: new Secret(password), subject },
      ),
    );

  test("of a user takes users.get besides, whoever it is, because its answer tells words of names", async () => {
    for (const userId of [id, crypto.randomUUID()]) {
      expect(await validate({ userId }, () => false)).toBe("PERMISSION_DENIED");
      expect(await validate({ userId }, (grant) => grant !== "users.get")).toBe("PERMISSION_DENIED");
    }
    expect(await validate({ userId: id }, (grant) => grant === "users.get")).toBe("OK");
    const somebody = { email: undefined, username: "ada", displayName: "" };
    expect(await validate(somebody, () => false)).toBe("OK");
  });
});

describe("a lock", () => {
  test("has an event, each time", async () => {
    await times(12, () => verify(otherPassword));
    expect(await eventsOf("account.locked")).toMatchObject([
      { outcome: "success", userId: id, objectId: "" },
    ]);
    services.clocks.pass(30 * second);
    await verify(otherPassword);
    expect(await eventsOf("account.locked")).toHaveLength(2);
  });

  test("is ended by UnlockUser, with an event, once", async () => {
    await lockForGood();
    expect((await services.lockouts.unlock(aCall(), id.toUpperCase())).id).toBe(id);
    await services.lockouts.unlock(aCall(), id);
    expect(await eventsOf("account.unlocked")).toMatchObject([{ outcome: "success", userId: id }]);
    expect(await times(9, () => verify(otherPassword))).toEqual(Array<string>(9).fill(wrong));
    expect(await verify(password)).toBe("OK");
  });

  test("of a device is ended by UnlockUser as well", async () => {
    const token = await aToken();
    await times(10, () => verify(otherPassword, token));
    expect(await verify(password, token)).toBe(locked);
    await services.lockouts.unlock(aCall(), id);
    expect(await verify(password, token)).toBe("OK");
  });

  test("is not ended for a user who does not exist", async () => {
    await expect(services.lockouts.unlock(aCall(), crypto.randomUUID())).rejects.toMatchObject({
      reason: "USER_NOT_FOUND",
    });
  });

  test("of many is ended page by page, by a filter", async () => {
    const lockedNames = ["a-1", "a-2", "b-1"];
    for (const name of [...lockedNames, "a-3"]) {
      services.clocks.pass(second);
      await services.create(name);
    }
    for (const name of lockedNames) await times(10, () => verify(otherPassword, undefined, name));
    const filter = {
      state: undefined,
      createdAfter: undefined,
      createdBefore: undefined,
      emailPrefix: "A-",
      pageSize: 2,
    };
    const firstPage = await services.lockouts.unlockPage(aCall(), { ...filter, pageToken: "" });
    expect(firstPage).toEqual({ unlockedCount: 2, nextPageToken: expect.stringMatching(/./) });
    const secondPage = await services.lockouts.unlockPage(aCall(), {
      ...filter,
      pageToken: firstPage.nextPageToken,
    });
    expect(secondPage).toEqual({ unlockedCount: 0, nextPageToken: "" });
    const answers: string[] = [];
    for (const name of lockedNames) answers.push(await verify(password, undefined, name));
    expect(answers).toEqual(["OK", "OK", locked]);
    await expect(
      services.lockouts.unlockPage(aCall(), {
        ...filter,
        emailPrefix: "b",
        pageToken: firstPage.nextPageToken,
      }),
    ).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });

  test("of many is ended for at most 100 users in one call, whatever is asked for", async () => {
    for (let i = 0; i < 101; i++) await services.create(`u-${i}`, undefined);
    const everything = {
      state: undefined,
      createdAfter: undefined,
      createdBefore: undefined,
      emailPrefix: "u-",
      pageToken: "",
    };
    for (const pageSize of [0, 100, 1_000]) {
      const page = await services.lockouts.unlockPage(aCall(), { ...everything, pageSize });
      expect(page.nextPageToken).not.toBe("");
    }
  });
});
