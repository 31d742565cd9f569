import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { aCall } from "../../support/calls.ts";
import { type ClockedServices, clockedServices } from "../../support/clocked-services.ts";
import { type Clocks, hour } from "../../support/clocks.ts";
import { servicesOn } from "../../support/services.ts";

let services: ClockedServices;
let clocks: Clocks;

beforeEach(async () => {
  services = await clockedServices({ AUTH_SESSION_IDLE: "1h" });
  clocks = services.clocks;
  await services.create("ada");
});

describe("list", () => {
  const list = (
    userId: string,
    changes: { showEnded?: boolean; pageSize?: number; pageToken?: string } = {},
  ) => services.sessions.list(aCall(), { userId, showEnded: false, pageSize: 0, pageToken: "", ...changes });
  const populate = async (count: number) => {
    const ids = [];
    for (let i = 0; i < count; i++) {
      clocks.pass(1);
      ids.unshift((await services.signIn("ada")).session.id);
    }
    return ids;
  };
  const adasId = async () => (await services.users.get(aCall(), { kind: "username", value: "ada" })).id;

  test("pages through the sessions of a user, youngest first, each once", async () => {
    const ids = await populate(7);
    await services.create("bob");
    await services.signIn("bob");
    const userId = await adasId();
    const seen: string[] = [];
    const sizes: number[] = [];
    let pageToken = "";
    do {
      const page = await list(userId.toUpperCase(), { pageSize: 3, pageToken });
      seen.push(...page.sessions.map(({ id }) => id));
      sizes.push(page.sessions.length);
      pageToken = page.nextPageToken;
      // One that begins meanwhile comes before all of them.
      if (pageToken !== "") await populate(1);
    } while (pageToken !== "");
    expect(sizes).toEqual([3, 3, 1]);
    expect(seen).toEqual(ids);
  });

  test("shows what has ended to who asks for it", async () => {
    const [third, second, first] = await populate(3);
    const userId = await adasId();
    await services.sessions.revoke(aCall(), second ?? "");
    clocks.pass(hour - 1);
    const states = async (showEnded: boolean) =>
      (await list(userId, { showEnded })).sessions.map(({ id, state }) => [id, state]);
    expect(await states(false)).toEqual([[third, "live"]]);
    expect(await states(true)).toEqual([
      [third, "live"],
      [second, "revoked"],
      [first, "expired"],
    ]);
    expect((await list(randomUUID(), { showEnded: true })).sessions).toEqual([]);
  });

  test("0 means 50, and a last page that is just full has no next one", async () => {
    await populate(51);
    const userId = await adasId();
    expect((await list(userId)).sessions).toHaveLength(50);
    expect((await list(userId, { pageSize: 51 })).nextPageToken).toBe("");
    expect((await list(userId, { pageSize: 2_000_000_000 })).sessions).toHaveLength(51);
  });

  const refused = {
    reason: "PAGE_TOKEN_INVALID",
    violations: [
      {
        field: "page_token",
        description:
          "must be a token that this service issued to this caller for the same user_id and show_ended",
      },
    ],
  };

  test("a token is bound to the user and to show_ended", async () => {
    await populate(2);
    const userId = await adasId();
    const bob = await services.create("bob");
    const { nextPageToken: pageToken } = await list(userId, { pageSize: 1 });
    expect(pageToken).not.toBe("");
    await expect(list(bob.id, { pageToken })).rejects.toMatchObject(refused);
    await expect(list(userId, { pageToken, showEnded: true })).rejects.toMatchObject(refused);
    // The case of the id and the size of a page may change on the way.
    expect((await list(userId.toUpperCase(), { pageToken, pageSize: 9 })).sessions).toHaveLength(1);
  });

  test("a token is of this list, of this service, and whole", async () => {
    await populate(2);
    await services.create("bob");
    const userId = await adasId();
    const everyone = {
      state: undefined,
      createdAfter: undefined,
      createdBefore: undefined,
      emailPrefix: undefined,
      showDeleted: false,
      orderBy: "createTime",
      descending: false,
      pageSize: 1,
    } as const;
    const users = await services.users.list(aCall(), { ...everyone, pageToken: "" });
    const mine = await list(userId, { pageSize: 1 });
    const elsewhere = await servicesOn(services.repository).sessions.list(aCall(), {
      userId,
      showEnded: false,
      pageSize: 1,
      pageToken: "",
    });
    for (const pageToken of [
      users.nextPageToken,
      elsewhere.nextPageToken,
      mine.nextPageToken.slice(1),
      "x",
    ]) {
      expect(pageToken).not.toBe("");
      await expect(list(userId, { pageToken })).rejects.toMatchObject(refused);
    }
    await expect(
      services.users.list(aCall(), { ...everyone, pageToken: mine.nextPageToken }),
    ).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });
});
