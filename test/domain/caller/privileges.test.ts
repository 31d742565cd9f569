import { beforeEach, describe, expect, test } from "vitest";
import type { Call } from "../../../src/domain/call.ts";
import { Policy } from "../../../src/domain/caller/policy.ts";
import type { ServiceAccount } from "../../../src/domain/caller/service-account.ts";
import { ServiceAccountService } from "../../../src/domain/caller/service-account-service.ts";
import { HmacServiceAccountKeys } from "../../../src/infrastructure/crypto/hmac-service-account-keys.ts";
import { aCall } from "../../support/calls.ts";
import { Clocks } from "../../support/clocks.ts";
import { auditEvents } from "../../support/events.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";

// No way through a service account to more than a caller has itself: issue 11, section 3.

const ops = "spiffe://prod.example/ops";
const lesser = "spiffe://prod.example/lesser";
const roles = {
  plain: ["users.get", "serviceAccountKeys.create"],
  more: ["users.get", "users.delete"],
  "begin-shop": { permissions: ["sessions.begin"], audiences: ["shop"] },
  "begin-orders": { permissions: ["sessions.begin"], audiences: ["orders"] },
  "begin-both": { permissions: ["sessions.begin"], audiences: ["shop", "orders"] },
};
const callers = [
  { caller: ops, roles: ["admin"] },
  { caller: lesser, roles: ["plain", "begin-shop"] },
];
const policyOf = (changes: object = {}, rules: readonly object[] = []) =>
  Policy.parse({ roles: { ...roles, ...changes }, callers: [...callers, ...rules] }, { methods: new Set() });

let policy: Policy;
let repository: InMemoryRepository;
let accounts: ServiceAccountService;
beforeEach(() => {
  policy = policyOf();
  repository = new InMemoryRepository(new Clocks().database);
  let ids = 0;
  accounts = new ServiceAccountService({
    repository,
    keys: new HmacServiceAccountKeys(Buffer.alloc(32, 1)),
    policy: () => policy,
    pageTokens: { seal: () => "", open: () => undefined },
    events: auditEvents,
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`,
    onChange: () => {},
  });
});

/** A call of a caller that may do what the policy says now. */
function by(caller: string, ownRoles: readonly string[] = []): Call {
  const grants = policy.grantsOf(caller, ownRoles);
  return { ...aCall(), origin: { ...aCall().origin, caller }, grants, may: (grant) => grants.has(grant) };
}
const byAccount = (account: ServiceAccount) => by(account.caller, account.roles);
const create = (
  roles: readonly string[],
  call = by(ops),
  name = `a-${Math.random().toString(36).slice(2)}`,
) => accounts.create(call, { name, displayName: "", roles });
const update = ({ id }: ServiceAccount, roles: readonly string[], call = by(ops)) =>
  accounts.update(call, { id, displayName: "", roles, etag: undefined });
const keyFor = async ({ id }: ServiceAccount, call = by(ops)) =>
  (await accounts.createKey(call, { accountId: id, displayName: "", expireTime: undefined })).key;
const stateOf = async ({ id }: ServiceAccount) =>
  new Map((await accounts.listKeys(aCall(), id)).map((key) => [key.id, key.disableTime === undefined]));
const denied = { reason: "PERMISSION_DENIED" };

describe("a caller with less than an account has now", () => {
  test.each<[string, (account: ServiceAccount) => Promise<unknown>]>([
    ["does not change it, also to roles of its own", (account) => update(account, ["plain"], by(lesser))],
    ["does not rename it", (account) => update(account, ["more"], by(lesser))],
    ["does not enable it", ({ id }) => accounts.enable(by(lesser), id)],
    ["creates no key of it", (account) => keyFor(account, by(lesser))],
  ])("%s", async (_what, act) => {
    const account = await create(["more"]);
    await expect(act(account)).rejects.toMatchObject(denied);
    expect(await accounts.get(aCall(), account.id)).toEqual(account);
    expect(await accounts.listKeys(aCall(), account.id)).toEqual([]);
  });

  test("counts what the policy gives the account besides its roles", async () => {
    const account = await create(["plain"]);
    policy = policyOf({}, [{ caller: account.caller, roles: ["more"] }]);
    await expect(update(account, ["plain"], by(lesser))).rejects.toMatchObject(denied);
    await expect(keyFor(account, by(lesser))).rejects.toMatchObject(denied);
  });

  test("counts audiences and clients", async () => {
    const both = await create(["begin-both"]);
    const orders = await create(["begin-orders"]);
    const shop = await create(["begin-shop"]);
    for (const account of [both, orders]) {
      await expect(keyFor(account, by(lesser))).rejects.toMatchObject({
        ...denied,
        message: expect.stringMatching(/"sessions.begin", which it has only for fewer audiences or clients/),
      });
    }
    await expect(update(shop, ["begin-both"], by(lesser))).rejects.toMatchObject(denied);
    await expect(create(["begin-both"], by(lesser))).rejects.toMatchObject(denied);
    await keyFor(shop, by(lesser));
  });
});

describe("a role that the policy does not define", () => {
  const unknown = {
    reason: "SERVICE_ACCOUNT_ROLE_UNKNOWN",
    kind: "failed-precondition",
    message: expect.stringMatching(/has the unknown role "later"; define it/),
  };
  let account: ServiceAccount;
  beforeEach(async () => {
    policy = policyOf({ later: ["users.delete"] });
    account = await create(["plain", "later"]);
    policy = policyOf();
  });

  test.each<[string, () => Promise<unknown>]>([
    ["a key", () => keyFor(account, by(lesser))],
    ["a key, also by an admin", () => keyFor(account)],
    ["enabling it", () => accounts.enable(by(lesser), account.id)],
    ["changing it", () => update(account, ["plain"], by(lesser))],
  ])("is not no permissions: no way to %s", async (_what, act) => {
    await expect(act()).rejects.toMatchObject(unknown);
    expect(await accounts.listKeys(aCall(), account.id)).toEqual([]);
  });

  test("keeps an account from neither being disabled nor deleted", async () => {
    await accounts.disable(by(lesser), account.id);
    await accounts.delete(by(lesser), account.id);
  });

  test("cannot be given", async () => {
    await expect(create(["later"])).rejects.toMatchObject({ reason: "ROLE_UNKNOWN" });
    const plain = await create(["plain"]);
    await expect(update(plain, ["later"])).rejects.toMatchObject({ reason: "ROLE_UNKNOWN" });
  });
});

describe("an account that gains a permission", () => {
  test("loses the keys of callers that have less, and says which", async () => {
    const account = await create(["plain"]);
    const ofLesser = await keyFor(account, by(lesser));
    const ofOps = await keyFor(account);
    const { disabledKeys } = await update(account, ["plain", "more"]);
    expect(disabledKeys).toMatchObject([{ id: ofLesser.id, creator: lesser, disableTime: expect.any(Date) }]);
    expect(await stateOf(account)).toEqual(
      new Map([
        [ofLesser.id, false],
        [ofOps.id, true],
      ]),
    );
    const query = { userId: undefined, types: [], outcome: undefined, caller: undefined } as const;
    const times = { createdAfter: undefined, createdBefore: undefined, after: undefined, limit: 100 };
    const events = await repository.read(aCall()).events.list({ ...query, ...times });
    expect(events.filter(({ type }) => type === "service-account-key.disabled")).toMatchObject([
      { objectId: ofLesser.id, caller: ops, outcome: "success" },
    ]);
    // The same change again disables no more, and the key stays disabled.
    expect((await update(account, ["plain", "more"])).disabledKeys).toEqual([]);
  });

  test("gains one also by more audiences of the same permission", async () => {
    const account = await create(["begin-shop"]);
    const { id } = await keyFor(account, by(lesser));
    const { disabledKeys } = await update(account, ["begin-both"]);
    expect(disabledKeys.map((key) => key.id)).toEqual([id]);
  });

  test("keeps keys of callers that have it by now, and of the command line", async () => {
    const account = await create(["plain"]);
    await keyFor(account, by(lesser));
    await keyFor(account, { ...aCall(), origin: { ...aCall().origin, caller: "cli:root" } });
    policy = policyOf({}, [{ caller: lesser, roles: ["more"] }]);
    expect((await update(account, ["plain", "more"])).disabledKeys).toEqual([]);
  });

  test("loses keys whose creator is unknown, gone, disabled or an account with less", async () => {
    const account = await create(["plain"]);
    const creators = [await create(["admin"]), await create(["admin"]), await create(["plain"])];
    const ids = [];
    for (const creator of creators) ids.push((await keyFor(account, byAccount(creator))).id);
    const admin = await create(["admin"]);
    await keyFor(account, byAccount(admin));
    await accounts.delete(by(ops), creators[0]?.id ?? "");
    await accounts.disable(by(ops), creators[1]?.id ?? "");
    await repository.transaction(aCall(), async ({ serviceAccounts }) => {
      const old = { accountId: account.id, displayName: "", digest: Buffer.of(1), expireTime: undefined };
      // As a key that was made before creators were recorded.
      await serviceAccounts.insertKey({ ...old, id: "old", creator: undefined as never });
    });
    const { disabledKeys } = await update(account, ["plain", "more"]);
    expect(disabledKeys.map(({ id }) => id).sort()).toEqual([...ids, "old"].sort());
  });

  test("keeps its list when the answer to the commit was lost", async () => {
    const account = await create(["plain"]);
    const { id } = await keyFor(account, by(lesser));
    const { transaction } = repository;
    repository.transaction = async (call, work) => {
      await transaction.call(repository, call, work);
      return (await transaction.call(repository, call, work)) as Awaited<ReturnType<typeof work>>;
    };
    expect((await update(account, ["plain", "more"])).disabledKeys.map((key) => key.id)).toEqual([id]);
  });
});

test("an account that gains nothing keeps all keys", async () => {
  const account = await create(["more"]);
  await keyFor(account);
  policy = policyOf({}, [{ caller: lesser, roles: ["more"] }]);
  await keyFor(account, by(lesser));
  policy = policyOf();
  expect((await update(account, ["more"])).disabledKeys).toEqual([]);
  expect((await update(account, [])).disabledKeys).toEqual([]);
});
