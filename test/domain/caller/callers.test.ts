import { describe, expect, test } from "vitest";
import { type CallerRules, Callers, type Evidence } from "../../../src/domain/caller/callers.ts";
import type { Peer, PeerCertificate } from "../../../src/domain/caller/peer.ts";
import { Policy } from "../../../src/domain/caller/policy.ts";
import { ServiceAccountService } from "../../../src/domain/caller/service-account-service.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { HmacServiceAccountKeys } from "../../../src/infrastructure/crypto/hmac-service-account-keys.ts";
import type { Readers } from "../../../src/interfaces/relationaldb/relational-repository.ts";
import { forgedKeys } from "../../infrastructure/crypto/forged-service-account-keys.ts";
import { aCall } from "../../support/calls.ts";
import { Clocks } from "../../support/clocks.ts";
import { auditEvents } from "../../support/events.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";

const web = "spiffe://prod.example/ns/shop/sa/web";
const policy = Policy.parse({ callers: [{ caller: web, roles: ["verifier"] }] }, { methods: new Set() });
const goodCertificate: PeerCertificate = {
  fault: undefined,
  trustDomain: "prod.example",
  uris: [web],
  expiresAt: Number.POSITIVE_INFINITY,
};

class CountingRepository extends InMemoryRepository {
  reads = 0;
  fails = false;

  override read(call: Parameters<InMemoryRepository["read"]>[0]): Readers {
    this.reads += 1;
    if (this.fails) throw new Error("away");
    return super.read(call);
  }
}

async function setUp(rules: Partial<CallerRules> = {}) {
  const clocks = new Clocks();
  const repository = new CountingRepository(clocks.database);
  const keys = new HmacServiceAccountKeys(Buffer.alloc(32, 1));
  let newest = policy;
  const callers = new Callers({
    repository,
    keys,
    policy: () => newest,
    rules: {
      anonymous: false,
      trustDomains: new Set(["prod.example"]),
      isSidecar: ({ address }) => address === "127.0.0.6",
      ...rules,
    },
    now: () => clocks.database().getTime(),
    monotonicMs: clocks.monotonicMs,
  });
  let ids = 0;
  const accounts = new ServiceAccountService({
    repository,
    keys,
    policy: () => newest,
    pageTokens: { seal: () => "", open: () => undefined },
    events: auditEvents,
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`,
    onChange: () => callers.forget(),
  });
  const account = await accounts.create(aCall(), { name: "billing", displayName: "", roles: ["verifier"] });
  const makeKey = (expireTime?: Date) =>
    accounts.createKey(aCall(), { accountId: account.id, displayName: "", expireTime });
  return {
    clocks,
    repository,
    keys,
    callers,
    accounts,
    account,
    makeKey,
    setPolicy: (next: Policy) => (newest = next),
  };
}

function shown({ address = "192.0.2.1", certificate, ...headers }: Partial<Peer & Evidence> = {}): Evidence {
  return {
    authorization: undefined,
    forwardedCertificate: undefined,
    ...headers,
    peer: { address, certificate },
  };
}

const withKey = (key: Secret | string) => {
  const text = typeof key === "string" ? key : key.reveal();
  return shown({ authorization: new Secret(`Bearer ${text}`) });
};
const refused = (what: string | RegExp) => ({
  reason: "CALLER_UNAUTHENTICATED",
  message: expect.stringMatching(what),
});

describe("by a client certificate", () => {
  test("a caller is its SPIFFE ID, and may do what the policy says", async () => {
    const { callers } = await setUp();
    const caller = await callers.identify(shown({ certificate: goodCertificate }));
    expect(caller.name).toBe(web);
    expect([...caller.grants].sort()).toEqual(["keys.get", "tokens.introspect"]);
  });

  test("one that the policy does not name is known, and may do nothing", async () => {
    const { callers } = await setUp();
    const uris = ["spiffe://prod.example/other"];
    expect((await callers.identify(shown({ certificate: { ...goodCertificate, uris } }))).grants.size).toBe(
      0,
    );
  });

  test.each<[string, Partial<PeerCertificate>, RegExp]>([
    ["of another authority", { fault: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" }, /is not trusted: UNABLE/],
    ["of another domain's authority", { trustDomain: "dev.example" }, /not signed by a CA of prod\.example/],
    ["of no domain's authority", { trustDomain: undefined }, /not signed by a CA of prod\.example/],
    ["without a URI", { uris: [] }, /no SPIFFE ID/],
    ["with two URIs", { uris: [web, "https://example.org"] }, /more than one URI/],
    ["with another URI", { uris: ["https://prod.example/web"] }, /is not a workload SPIFFE ID/],
    ["of a trust domain alone", { uris: ["spiffe://prod.example"] }, /is not a workload SPIFFE ID/],
    ["of another trust domain", { uris: ["spiffe://dev.example/ns/shop/sa/web"] }, /trust domain/],
    ["that has expired since", { expiresAt: 0 }, /has expired/],
  ])("one %s is refused, and says why", async (_name, changes, why) => {
    const { callers } = await setUp({ anonymous: true });
    const certificate = { ...goodCertificate, ...changes };
    await expect(callers.identify(shown({ certificate }))).rejects.toMatchObject(refused(why));
  });

  test("a new policy holds for the next call", async () => {
    const { callers, setPolicy } = await setUp();
    setPolicy(Policy.parse({ callers: [{ caller: web, roles: ["registrar"] }] }, { methods: new Set() }));
    const { grants } = await callers.identify(shown({ certificate: goodCertificate }));
    expect([grants.has("users.create"), grants.has("tokens.introspect")]).toEqual([true, false]);
  });
});

describe("by a sidecar", () => {
  const header = `By=spiffe://prod.example/auth;URI=${web}`;

  test("the certificate that it forwards is believed", async () => {
    const { callers } = await setUp();
    const caller = await callers.identify(shown({ address: "127.0.0.6", forwardedCertificate: header }));
    expect(caller.name).toBe(web);
  });

  test("from anybody else the header means nothing", async () => {
    const { callers } = await setUp();
    for (const address of ["192.0.2.1", "127.0.0.1", ""]) {
      await expect(callers.identify(shown({ address, forwardedCertificate: header }))).rejects.toMatchObject(
        refused("no credentials"),
      );
    }
  });

  test.each<[string, string | undefined, RegExp]>([
    ["no header", undefined, /sidecar forwarded no/],
    ["a malformed one", 'Subject="', /malformed/],
    ["one without a URI", "Hash=x", /no SPIFFE ID/],
    ["one with two URIs", `${header};URI=spiffe://prod.example/x`, /more than one/],
    ["one of another trust domain", "URI=spiffe://evil.example/x", /trust domain/],
  ])("%s is refused, also where everybody else is let in", async (_name, forwardedCertificate, why) => {
    const { callers } = await setUp({ anonymous: true });
    const evidence = shown({ address: "127.0.0.6", forwardedCertificate });
    await expect(callers.identify(evidence)).rejects.toMatchObject(refused(why));
  });
});

describe("by a key", () => {
  test("a caller is its service account, with the account's roles", async () => {
    const { callers, makeKey, account } = await setUp();
    const { text } = await makeKey();
    const caller = await callers.identify(withKey(text));
    expect(caller.name).toBe(`serviceAccounts/${account.id}`);
    expect([...caller.grants].sort()).toEqual(["keys.get", "tokens.introspect"]);
  });

  test("is looked up once in five seconds, however many calls come at once", async () => {
    const { callers, makeKey, repository, clocks } = await setUp();
    const { text } = await makeKey();
    const before = repository.reads;
    await Promise.all(Array.from({ length: 50 }, () => callers.identify(withKey(text))));
    clocks.pass(4_999);
    await callers.identify(withKey(text));
    expect(repository.reads - before).toBe(1);
    clocks.pass(1);
    await callers.identify(withKey(text));
    expect(repository.reads - before).toBe(2);
  });

  test("is looked up again when the remembered answer is older than the asked maximum age", async () => {
    const { callers, makeKey, repository, clocks } = await setUp();
    const { text } = await makeKey();
    await callers.identify(withKey(text));
    const before = repository.reads;
    clocks.pass(999);
    await Promise.all(Array.from({ length: 50 }, () => callers.identify(withKey(text), 1_000)));
    expect(repository.reads - before).toBe(0);
    clocks.pass(1);
    await Promise.all(Array.from({ length: 50 }, () => callers.identify(withKey(text), 1_000)));
    expect(repository.reads - before).toBe(1);
    clocks.pass(999);
    await callers.identify(withKey(text));
    expect(repository.reads - before).toBe(1);
  });

  test("keeps its remembered answer when a newer lookup fails", async () => {
    const { callers, makeKey, repository, clocks } = await setUp();
    const { text } = await makeKey();
    await callers.identify(withKey(text));
    clocks.pass(2_000);
    repository.fails = true;
    await expect(callers.identify(withKey(text), 1_000)).rejects.toThrow("away");
    expect((await callers.identify(withKey(text))).name).toMatch(/^serviceAccounts/);
    clocks.pass(3_000);
    await expect(callers.identify(withKey(text))).rejects.toThrow("away");
  });

  test("that was forgotten during a failed lookup does not come back", async () => {
    const { callers, makeKey, repository, clocks } = await setUp();
    const { text } = await makeKey();
    await callers.identify(withKey(text));
    clocks.pass(2_000);
    repository.fails = true;
    const lookup = callers.identify(withKey(text), 1_000);
    callers.forget();
    await expect(lookup).rejects.toThrow("away");
    await expect(callers.identify(withKey(text))).rejects.toThrow("away");
  });

  test("that is disabled or deleted, or whose account is, is refused at once where that was done", async () => {
    const { callers, accounts, makeKey, account } = await setUp();
    const ends = [
      (keyId: string) => accounts.disableKey(aCall(), keyId),
      (keyId: string) => accounts.deleteKey(aCall(), keyId),
      () => accounts.disable(aCall(), account.id),
      () => accounts.delete(aCall(), account.id),
    ];
    for (const end of ends) {
      await accounts.enable(aCall(), account.id);
      const { key, text } = await makeKey();
      await callers.identify(withKey(text));
      await end(key.id);
      await expect(callers.identify(withKey(text))).rejects.toMatchObject(refused("disabled"));
    }
  });

  test("that expires is refused from that moment, without a look at the database", async () => {
    const { callers, makeKey, clocks, repository } = await setUp();
    const { text } = await makeKey(new Date(clocks.database().getTime() + 2_000));
    await callers.identify(withKey(text));
    const before = repository.reads;
    clocks.pass(2_000);
    await expect(callers.identify(withKey(text))).rejects.toMatchObject(refused("expired"));
    expect(repository.reads).toBe(before);
  });

  test("of the right form that was never given out is refused, and so is one with another secret", async () => {
    const { callers, keys, makeKey } = await setUp();
    const { key } = await makeKey();
    for (const id of ["00000000-0000-4000-8000-999999999999", key.id]) {
      await expect(callers.identify(withKey(keys.make(id).text))).rejects.toMatchObject(refused("unknown"));
    }
  });

  test("that is forged is never looked up and displaces no key from memory", async () => {
    const { callers, keys, makeKey, repository } = await setUp();
    const { text } = await makeKey();
    await callers.identify(withKey(text));
    const before = repository.reads;
    for (const forged of forgedKeys(keys, 10_000)) {
      await expect(callers.identify(withKey(forged))).rejects.toMatchObject(
        refused("malformed, truncated or foreign"),
      );
    }
    expect((await callers.identify(withKey(text))).name).toMatch(/^serviceAccounts/);
    expect(repository.reads).toBe(before);
  });

  test("of a deleted or disabled account displaces no usable key from memory", {
    timeout: 30_000,
  }, async () => {
    const { callers, keys, makeKey, accounts, account, repository } = await setUp();
    const [good, disabled] = [await makeKey(), await makeKey()];
    await accounts.disableKey(aCall(), disabled.key.id);
    await callers.identify(withKey(good.text));
    for (let i = 0; i < 10_100; i++) {
      const id = `00000000-0000-4000-8000-${String(900_000 + i).padStart(12, "0")}`;
      await callers.identify(withKey(keys.make(id).text)).catch(() => {});
    }
    await callers.identify(withKey(disabled.text)).catch(() => {});
    const before = repository.reads;
    expect((await callers.identify(withKey(good.text))).name).toBe(`serviceAccounts/${account.id}`);
    await expect(callers.identify(withKey(disabled.text))).rejects.toMatchObject(refused("disabled"));
    expect(repository.reads).toBe(before);
  });

  test("that was disabled while it was looked up is not remembered as usable", async () => {
    const { callers, accounts, makeKey } = await setUp();
    const { key, text } = await makeKey();
    const first = callers.identify(withKey(text));
    const disabling = accounts.disableKey(aCall(), key.id);
    await first.catch(() => {});
    await disabling;
    await expect(callers.identify(withKey(text))).rejects.toMatchObject(refused("disabled"));
  });

  test.each([
    "",
    "Bearer",
    "Bearer ",
    "Basic YTpi",
    "auth_sa_x",
    "Bearer auth_sa_x",
    "Bearer a b",
    "Bearer x\u0000",
  ])(
    "%j is refused, also where everybody else is let in, and the text is not repeated",
    async (authorization) => {
      const { callers, repository } = await setUp({ anonymous: true });
      const before = repository.reads;
      const error = await callers
        .identify(shown({ authorization: new Secret(authorization) }))
        .catch((reason: Error) => reason);
      expect(error).toMatchObject(refused(""));
      if (authorization.length > 8) expect(String(error)).not.toContain(authorization.slice(7));
      expect(repository.reads).toBe(before);
    },
  );

  test("that cannot be looked up is no reason to let it in, and is asked for again", async () => {
    const { callers, makeKey, repository } = await setUp({ anonymous: true });
    const { text } = await makeKey();
    repository.fails = true;
    await expect(callers.identify(withKey(text))).rejects.toThrow("away");
    repository.fails = false;
    expect((await callers.identify(withKey(text))).name).toMatch(/^serviceAccounts/);
  });

  test("counts for more than a certificate", async () => {
    const { callers, makeKey } = await setUp();
    const { text } = await makeKey();
    const evidence = { ...withKey(text), peer: { address: "127.0.0.6", certificate: goodCertificate } };
    expect((await callers.identify(evidence)).name).toMatch(/^serviceAccounts/);
  });

  test("shows when it was last used, once that has been noted", async () => {
    const { callers, accounts, account, makeKey, clocks } = await setUp();
    const { text } = await makeKey();
    const lastUse = async () =>
      (await accounts.listKeys(aCall(), account.id)).map(({ lastUseTime }) => lastUseTime);
    await callers.identify(withKey(text));
    expect(await lastUse()).toEqual([undefined]);
    await callers.noteUses(aCall());
    expect(await lastUse()).toEqual([clocks.database()]);
  });
});

describe("by nothing", () => {
  test("nobody is let in", async () => {
    const { callers } = await setUp();
    await expect(callers.identify(shown())).rejects.toMatchObject(refused("no credentials"));
  });

  test("everybody may do everything where that is configured", async () => {
    const { callers } = await setUp({ anonymous: true });
    const caller = await callers.identify(shown());
    expect([caller.name, caller.grants.has("whatever")]).toEqual(["anonymous", true]);
  });
});
