import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { Call } from "../../../src/domain/call.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { aCall } from "../../support/calls.ts";
import { type ClockedServices, clockedServices } from "../../support/clocked-services.ts";
import { otherPassword, password } from "../../support/services.ts";

// What one caller was given is of no use to another: issue 11, section 3.

const by = (caller: string): Call => ({ ...aCall(), origin: { ...aCall().origin, caller } });
const one = by("spiffe://prod.example/one");
const other = by("spiffe://prod.example/other");

let services: ClockedServices;
beforeEach(async () => {
  services = await clockedServices();
});

describe("a request id", () => {
  const requestId: string = randomUUID();
  const create = (call: Call, username: string, id = requestId) =>
    services.users.create(call, {
      email: undefined,
      username,
      displayName: "",
      attributes: {},
      password: undefined,
      requestId: id,
    });

  test("of the same caller is answered again, in any case", async () => {
    const ada = await create(one, "ada");
    expect(await create(one, "ada", requestId.toUpperCase())).toEqual(ada);
  });

  test("of another caller answers nothing of the first call: the request is made", async () => {
    const ada = await create(one, "ada");
    await expect(create(other, "ada")).rejects.toMatchObject({ reason: "USERNAME_TAKEN" });
    const grace = await create(other, "grace");
    expect(grace.id).not.toBe(ada.id);
    // And the first caller's is as it was.
    expect(await create(one, "ada")).toEqual(ada);
    await expect(create(one, "grace")).rejects.toMatchObject({ reason: "REQUEST_ID_REUSED" });
  });

  test("of another caller does not tell whether a password was set", async () => {
    const { id: userId } = await services.create("ada");
    const set = (call: Call, text: string) =>
      services.authentication.setPassword(call, { userId, password: new Secret(text), requestId });
    await set(one, otherPassword);
    await set(other, password);
    await expect(set(other, otherPassword)).rejects.toMatchObject({ reason: "REQUEST_ID_REUSED" });
    await services.signIn("ada");
  });

  test("of an import of another caller imports other users", async () => {
    const imported = async (call: Call, username: string) => {
      const users = services.transfers.beginImport({ requestId, validateOnly: false });
      const row = { id: undefined, email: undefined, username, displayName: "", attributes: {} };
      const given = { ...row, state: "active", passwordHash: undefined, createTime: undefined };
      const [answer] = await users.add(call, [() => given as never]);
      return answer !== undefined && "userId" in answer ? answer.userId : undefined;
    };
    const ada = await imported(one, "ada");
    expect(ada).toBeTypeOf("string");
    expect(await imported(one, "ada")).toBe(ada);
    const grace = await imported(other, "grace");
    expect(grace).toBeTypeOf("string");
    expect(grace).not.toBe(ada);
  });

  test("of the command line is one caller's, whoever types", async () => {
    const ada = await create(by("cli:root"), "ada");
    expect(await create(by("cli:operator"), "ada")).toEqual(ada);
  });
});

describe("a page token of another caller is invalid", () => {
  const invalid = { reason: "PAGE_TOKEN_INVALID" };
  const times = { createdAfter: undefined, createdBefore: undefined };

  test.each<[string, (call: Call, pageToken: string) => Promise<{ nextPageToken: string }>]>([
    [
      "of users",
      (call, pageToken) =>
        services.users.list(call, {
          ...times,
          state: undefined,
          emailPrefix: undefined,
          orderBy: "createTime",
          descending: false,
          showDeleted: false,
          pageSize: 1,
          pageToken,
        }),
    ],
    [
      "of sessions",
      async (call, pageToken) => {
        const { id: userId } = await services.users.get(aCall(), { kind: "username", value: "ada" });
        return services.sessions.list(call, { userId, showEnded: false, pageSize: 1, pageToken });
      },
    ],
    [
      "of service accounts",
      (call, pageToken) => services.serviceAccounts.list(call, { pageSize: 1, pageToken }),
    ],
    [
      "of events",
      (call, pageToken) =>
        services.events.list(call, {
          ...times,
          userId: undefined,
          types: [],
          outcome: undefined,
          caller: undefined,
          pageSize: 1,
          pageToken,
        }),
    ],
  ])("%s", async (_what, list) => {
    for (const name of ["ada", "grace", "edsger"]) {
      await services.create(name);
      await services.signIn("ada");
      await services.serviceAccounts.create(aCall(), { name, displayName: "", roles: ["reader"] });
    }
    const { nextPageToken } = await list(one, "");
    expect(nextPageToken).not.toBe("");
    await expect(list(other, nextPageToken)).rejects.toMatchObject(invalid);
    await list(one, nextPageToken);
  });
});

test("a cursor of another caller is invalid", async () => {
  const watch = async (call: Call, cursor: string) => {
    const filter = { userId: undefined, types: [], outcome: undefined, caller: undefined };
    const answers = services.events.watch(call, { ...filter, cursor, heartbeatMs: 0 });
    const { value } = await answers.next();
    await answers.return(undefined);
    return value?.cursor ?? "";
  };
  const cursor = await watch(one, "");
  await expect(watch(other, cursor)).rejects.toMatchObject({ reason: "CURSOR_INVALID" });
  expect(await watch(one, cursor)).not.toBe("");
});
