import { beforeEach, describe, expect, test } from "vitest";
import type { Call } from "../../../src/domain/call.ts";
import { Policy } from "../../../src/domain/caller/policy.ts";
import { aCall } from "../../support/calls.ts";
import { type ClockedServices, clockedServices } from "../../support/clocked-services.ts";

let services: ClockedServices;
beforeEach(async () => {
  services = await clockedServices();
});

const create = (roles = ["verifier"], call = aCall(), name = "billing") =>
  services.serviceAccounts.create(call, { name, displayName: "", roles });
const keyFor = (accountId: string, call = aCall(), expireTime?: Date) =>
  services.serviceAccounts.createKey(call, { accountId, displayName: "", expireTime });

/** A call of somebody who has a role and nothing else. */
function callAs(role: string): Call {
  const grants = Policy.builtIn.grantsOfRoles([role]);
  return { ...aCall(), grants, may: (grant) => grants.has(grant) };
}

describe("nobody gives what they do not have", () => {
  const reader = () => callAs("reader");
  const denied = { reason: "PERMISSION_DENIED" };

  test("not by a new account, and not by another role for one", async () => {
    await expect(create(["admin"], reader())).rejects.toMatchObject(denied);
    const account = await create(["reader"], reader());
    const update = (roles: string[]) =>
      services.serviceAccounts.update(reader(), { id: account.id, displayName: "", roles, etag: undefined });
    await expect(update(["reader", "verifier"])).rejects.toMatchObject(denied);
    expect((await update(["reader"])).account.roles).toEqual(["reader"]);
  });

  test("not by a key of an account that may do more, and not by enabling one", async () => {
    const { id } = await create(["admin"]);
    await expect(keyFor(id, reader())).rejects.toMatchObject(denied);
    await services.serviceAccounts.disable(reader(), id);
    await expect(services.serviceAccounts.enable(reader(), id)).rejects.toMatchObject(denied);
    expect((await services.serviceAccounts.get(aCall(), id)).disableTime).toBeInstanceOf(Date);
  });
});

describe("an account", () => {
  test("of a role that there is not is refused", async () => {
    await expect(create(["verifyer"])).rejects.toMatchObject({
      reason: "ROLE_UNKNOWN",
      violations: [{ field: "roles" }],
    });
  });

  test("is changed where it has the etag, and the same change said again is no conflict", async () => {
    const account = await create();
    const change = { id: account.id.toUpperCase(), displayName: "B", roles: ["reader"], etag: account.etag };
    const changed = await services.serviceAccounts.update(aCall(), change);
    expect(await services.serviceAccounts.update(aCall(), change)).toEqual(changed);
    const other = { ...change, displayName: "C" };
    await expect(services.serviceAccounts.update(aCall(), other)).rejects.toMatchObject({
      reason: "ETAG_MISMATCH",
    });
  });

  test("that is disabled and enabled is as before", async () => {
    const account = await create();
    await services.serviceAccounts.disable(aCall(), account.id);
    const { disableTime, roles } = await services.serviceAccounts.enable(aCall(), account.id);
    expect([disableTime, roles]).toEqual([undefined, account.roles]);
  });

  test("is listed page by page, by tokens of its own", async () => {
    for (const name of ["a", "b", "c"]) {
      await create(["verifier"], aCall(), name);
      services.clocks.pass(1_000);
    }
    const list = (pageToken: string) => services.serviceAccounts.list(aCall(), { pageSize: 2, pageToken });
    const first = await list("");
    const second = await list(first.nextPageToken);
    expect([...first.accounts, ...second.accounts].map(({ name }) => name)).toEqual(["c", "b", "a"]);
    expect(second.nextPageToken).toBe("");
    await expect(list("x")).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });
});

describe("what is not there", () => {
  const nobody = "00000000-0000-4000-8000-000000000000";

  test("is not found", async () => {
    const { serviceAccounts } = services;
    const update = { id: nobody, displayName: "", roles: ["reader"], etag: undefined };
    for (const asked of [
      serviceAccounts.get(aCall(), nobody),
      serviceAccounts.update(aCall(), update),
      serviceAccounts.disable(aCall(), nobody),
      serviceAccounts.enable(aCall(), nobody),
      serviceAccounts.delete(aCall(), nobody),
      keyFor(nobody),
      serviceAccounts.listKeys(aCall(), nobody),
    ]) {
      await expect(asked).rejects.toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
    }
    for (const asked of [
      serviceAccounts.disableKey(aCall(), nobody),
      serviceAccounts.deleteKey(aCall(), nobody),
    ]) {
      await expect(asked).rejects.toMatchObject({ reason: "SERVICE_ACCOUNT_KEY_NOT_FOUND" });
    }
  });

  test("an account that a lost answer deleted was deleted by that call", async () => {
    const { id } = await create();
    const { transaction } = services.repository;
    // The first run is committed, and its answer lost: the unit of work runs the work again.
    services.repository.transaction = async (call, work) => {
      await transaction.call(services.repository, call, work);
      return (await transaction.call(services.repository, call, work)) as Awaited<ReturnType<typeof work>>;
    };
    await services.serviceAccounts.delete(aCall(), id);
  });
});

describe("a key", () => {
  test("that would expire before it is made is none", async () => {
    const { id } = await create();
    const now = services.clocks.database();
    await expect(keyFor(id, aCall(), now)).rejects.toMatchObject({ reason: "EXPIRY_IN_PAST" });
    expect(await services.serviceAccounts.listKeys(aCall(), id)).toEqual([]);
    await keyFor(id, aCall(), new Date(now.getTime() + 1));
  });

  test("is one of ten at most", async () => {
    const { id } = await create();
    for (let count = 0; count < 10; count++) await keyFor(id);
    await expect(keyFor(id)).rejects.toMatchObject({ reason: "TOO_MANY_KEYS" });
    const [{ id: keyId } = { id: "" }] = await services.serviceAccounts.listKeys(aCall(), id);
    await services.serviceAccounts.deleteKey(aCall(), keyId);
    await keyFor(id);
  });

  test("is told once: no other answer holds it", async () => {
    const { id } = await create();
    const { text, key } = await keyFor(id);
    const others = [
      key,
      await services.serviceAccounts.listKeys(aCall(), id),
      await services.serviceAccounts.disableKey(aCall(), key.id),
    ];
    expect(JSON.stringify(others)).not.toContain(text.reveal().slice(8, 40));
  });
});
