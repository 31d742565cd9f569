import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { figure } from "../support/figures.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { startService } from "../support/service.ts";
import { stress } from "../support/stress.ts";
import { claimsOf, kidOf, OutsideVerifier } from "./outside-verifier.ts";
import { isActive, newAccount, newSession, refresh, type SignedIn, signIn } from "./sign-in.ts";
import { type StolenKey, signedBy, stolenKeys } from "./signing-key-rows.ts";
import { type Instance, TwoServices } from "./two-services.ts";

/** Pairs of processes that rotate at the same time, each on a database of its own: time is all that it takes. */
const pairs = 5;
const rotationsOfPair = stress(20, 400);
const maxAgeMs = 1_000;
const lifetimeMs = 4_000;
/** The quickest that there is: each key is published for two seconds, signs for three and is published for four more. */
const quick = {
  AUTH_JWKS_MAX_AGE: `${maxAgeMs}ms`,
  AUTH_SIGNING_KEY_ROTATION: `${3 * maxAgeMs}ms`,
  AUTH_ACCESS_TOKEN_LIFETIME: `${lifetimeMs}ms`,
  AUTH_DATABASE_POOL_SIZE: "4",
};

interface Published {
  readonly by: Instance;
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly kids: ReadonlySet<string>;
}

interface Signed {
  readonly token: string;
  readonly kid: string;
  readonly receivedAt: number;
  readonly expiresAt: number;
}

/** Signs and verifies at two services and outside of them without a pause. Times are those of the database, too. */
class Traffic {
  readonly published: Published[] = [];
  readonly signed: Signed[] = [];
  /** Good tokens that were refused, and by whom. */
  readonly refused: string[] = [];
  readonly stolen = new Map<string, StolenKey>();
  verified = 0;
  readonly #services: TwoServices;
  readonly #outside: readonly OutsideVerifier[];
  #stopped = false;

  constructor(services: TwoServices) {
    this.#services = services;
    this.#outside = services.both.map(({ service }) => new OutsideVerifier(service, maxAgeMs));
  }

  /** Goes on until `done`, and fails with whatever goes wrong. */
  async run(done: () => boolean): Promise<void> {
    const { both } = this.#services;
    const account = await newAccount(both[0]);
    const signers = await Promise.all(both.map(async (by) => [by, await signIn(by, account)] as const));
    const all = Promise.all([
      ...signers.map(([by, session]) => this.#sign(by, session)),
      ...both.map((by) => this.#watch(by)),
      this.#steal(),
    ]);
    const over = async () => {
      while (!done() && !this.#stopped) await sleep(20);
    };
    await Promise.race([over(), all]).finally(() => {
      this.#stopped = true;
    });
    await all;
  }

  /** Refreshes a session again and again; everybody verifies each token, and each verifies one of a while ago again. */
  async #sign(by: Instance, { tokens }: SignedIn): Promise<void> {
    let refreshToken = tokens.refreshToken;
    const old: Signed[] = [];
    while (!this.#stopped) {
      const answer = await refresh(by, refreshToken);
      refreshToken = answer.tokens.refreshToken;
      const token = answer.tokens.accessToken;
      const signed = {
        token,
        kid: kidOf(token),
        receivedAt: Date.now(),
        expiresAt: claimsOf(token).exp! * 1_000,
      };
      this.signed.push(signed);
      old.push(signed);
      await this.#verify(signed);
      // Its key has been replaced since, as often as not.
      while (old[0] !== undefined && old[0].receivedAt < Date.now() - 2 * maxAgeMs)
        await this.#verify(old.shift()!);
      await sleep(40);
    }
  }

  async #verify(signed: Signed): Promise<void> {
    await Promise.all([
      ...this.#services.both.map((by, i) =>
        this.#mustBeGood(signed, `service ${i}`, async () => {
          if (!(await isActive(by, signed.token))) throw new Error("not active");
        }),
      ),
      ...this.#outside.map((verifier, i) =>
        this.#mustBeGood(signed, `jose on service ${i}`, () => verifier.verify(signed.token)),
      ),
    ]);
  }

  async #mustBeGood({ token, kid, expiresAt }: Signed, who: string, verify: () => Promise<unknown>) {
    try {
      await verify();
      this.verified += 1;
    } catch (error) {
      // On a machine that is slow enough it was refused because it had expired.
      if (Date.now() < expiresAt) this.refused.push(`${kid} by ${who}: ${error}: ${token}`);
    }
  }

  async #watch(by: Instance): Promise<void> {
    while (!this.#stopped) {
      const askedAt = Date.now();
      const { keys } = (await (await fetch(`${by.service.httpUrl}/.well-known/jwks.json`)).json()) as {
        keys: { kid: string }[];
      };
      this.published.push({ by, askedAt, answeredAt: Date.now(), kids: new Set(keys.map(({ kid }) => kid)) });
      await sleep(100);
    }
  }

  async #steal(): Promise<void> {
    while (!this.#stopped) {
      for (const key of await stolenKeys(this.#services)) this.stolen.set(key.kid, key);
      await sleep(maxAgeMs);
    }
  }
}

/** A token with the claims of a good one, for an hour, by whatever key. */
function longLived(good: string, key: StolenKey): string {
  const claims = claimsOf(good);
  const changed = { ...claims, exp: claims.iat! + 3_600, jti: randomUUID() };
  // Not by jose, whose signatures have the higher s as often as not: those are refused, whatever the key is.
  return signedBy(
    key,
    JSON.stringify({ alg: key.algorithm, typ: "at+jwt", kid: key.kid }),
    JSON.stringify(changed),
  );
}

describe("the keys that tokens are signed with", { timeout: 120_000 }, () => {
  test(`${pairs * rotationsOfPair} rotations under traffic: no good token is refused, and none of a key that has gone is good`, {
    timeout: stress(400_000, 4_000_000),
  }, async () => {
    await using running = new AsyncDisposableStack();
    const started: TwoServices[] = [];
    while (started.length < pairs) started.push(running.use(await TwoServices.start(quick)));
    const outcomes = await Promise.all(started.map(rotateUnderTraffic));
    const sum = (of: (outcome: (typeof outcomes)[number]) => number) =>
      outcomes.map(of).reduce((a, b) => a + b);
    figure("key rotations", {
      rotations: sum(({ rotations }) => rotations),
      "tokens signed": sum(({ signed }) => signed),
      "verified by services and jose": sum(({ verified }) => verified),
      "key sets seen": sum(({ seen }) => seen),
      "shortest lead ms": Math.min(...outcomes.map(({ shortestLeadMs }) => shortestLeadMs)),
      "most keys at once": Math.max(...outcomes.map(({ mostKeys }) => mostKeys)),
    });
  });

  async function rotateUnderTraffic(services: TwoServices) {
    const traffic = new Traffic(services);
    const kids = () => new Set(traffic.signed.map(({ kid }) => kid));
    await traffic.run(() => traffic.refused.length > 0 || kids().size > rotationsOfPair);
    expect(traffic.refused).toEqual([]);
    const shortestLeadMs = publishedInTime(services, traffic);
    await noRetiredKeyIsGood(services, traffic);
    return {
      rotations: kids().size - 1,
      signed: traffic.signed.length,
      verified: traffic.verified,
      seen: traffic.published.length,
      shortestLeadMs,
      mostKeys: Math.max(...traffic.published.map((each) => each.kids.size)),
    };
  }

  /** Whoever asks within one max-age before a key's first token, or later, is told of that key. Answers the shortest lead. */
  function publishedInTime({ both }: TwoServices, { signed, published }: Traffic): number {
    const firstOf = new Map<string, Signed>();
    const lastOf = new Map<string, Signed>();
    for (const each of signed) {
      if (!firstOf.has(each.kid)) firstOf.set(each.kid, each);
      lastOf.set(each.kid, each);
    }
    // Nobody has to know a key before the first.
    const later = [...firstOf.values()].slice(1);
    let looks = 0;
    const leads = both.flatMap((by) => {
      const sets = published.filter((each) => each.by === by);
      return later.map((first) => {
        const from = first.receivedAt - maxAgeMs;
        const until = lastOf.get(first.kid)!.expiresAt;
        const asked = sets.filter(({ askedAt, answeredAt }) => askedAt >= from && answeredAt < until);
        looks += asked.length;
        expect(asked.filter((each) => !each.kids.has(first.kid))).toEqual([]);
        // A key that was there when it was first looked for was seen too late to say for how long.
        return sets[0]!.kids.has(first.kid)
          ? Number.POSITIVE_INFINITY
          : first.receivedAt - sets.find((each) => each.kids.has(first.kid))!.askedAt;
      });
    });
    expect(looks).toBeGreaterThan(leads.length);
    return Math.min(...leads);
  }

  /** Of the keys that have signed, those that have gone sign in vain. */
  async function noRetiredKeyIsGood(services: TwoServices, { stolen, signed }: Traffic): Promise<void> {
    const { tokens } = await newSession(services.first);
    const verifiers = services.both.map(({ service }) => new OutsideVerifier(service, maxAgeMs));
    const present = await stolenKeys(services);
    const gone = [...stolen.values()].filter(({ sequence }) => sequence < present[0]!.sequence);
    expect(gone.length).toBeGreaterThan(rotationsOfPair / 2);
    // With a key that is there, the same token is good: that of a thief who has everything.
    const control = longLived(
      tokens.accessToken,
      present.find(({ kid }) => kid === kidOf(tokens.accessToken))!,
    );
    expect(await isActive(services.first, control)).toBe(true);
    const forged = gone.map((key) => longLived(tokens.accessToken, key));
    const own = signed.filter(({ kid }) => gone.some((key) => key.kid === kid)).map(({ token }) => token);
    for (const { tokens } of services.both) {
      for (const all of [forged, own]) {
        for (let from = 0; from < all.length; from += 500) {
          const { results } = await tokens.batchIntrospectTokens({ tokens: all.slice(from, from + 500) });
          expect(results.filter(({ active }) => active)).toEqual([]);
        }
      }
    }
    for (const verifier of verifiers) {
      await expect(verifier.verify(control)).resolves.toMatchObject({ iss: "https://auth.test" });
      for (const token of forged) {
        await expect(verifier.verify(token)).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
      }
    }
  }

  test("a key is no good from the moment on at which its last token has expired", async () => {
    await using services = await TwoServices.start(quick);
    const { session, tokens } = await newSession(services.first);
    const [key] = await stolenKeys(services);
    const verifiers = services.both.map(({ service }) => new OutsideVerifier(service, maxAgeMs));
    const forged = longLived(tokens.accessToken, key!);
    for (const clients of services.both) expect(await isActive(clients, forged)).toBe(true);
    for (const verifier of verifiers) await verifier.verify(forged);

    const next = "select activate_time from signing_keys where sequence = 2";
    let activated: unknown;
    while (activated === undefined) {
      await sleep(50);
      activated = (await services.query(next))[0]?.["activate_time"];
    }
    const retiredAt = Number(activated) + lifetimeMs;
    await sleep(Math.max(0, retiredAt - Date.now()) + 1);
    for (const clients of services.both) expect(await isActive(clients, forged)).toBe(false);
    // It is the key and not the session.
    const good = await refresh(services.first, tokens.refreshToken);
    expect(good.session!.id).toBe(session.id);
    for (const clients of services.both) expect(await isActive(clients, good.tokens.accessToken)).toBe(true);
    await sleep(2 * maxAgeMs);
    for (const verifier of verifiers) {
      await expect(verifier.verify(forged)).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
    }
  });

  test("a process that has stood still answers no old keys", async () => {
    await using services = await TwoServices.start(quick);
    const { first, second } = services;
    let { tokens } = await newSession(first);
    const verifier = new OutsideVerifier(second.service, maxAgeMs);
    await verifier.verify(tokens.accessToken);
    second.service.process.kill("SIGSTOP");
    const known = new Set((await stolenKeys(services)).map(({ kid }) => kid));
    try {
      while (known.has(kidOf(tokens.accessToken))) {
        await sleep(20);
        ({ tokens } = await refresh(first, tokens.refreshToken));
      }
      const verified = verifier.verify(tokens.accessToken);
      const active = isActive(second, tokens.accessToken);
      const jwks = second.tokens.getJwks({});
      verified.catch(() => {});
      // All three wait on its doorstep.
      await sleep(200);
      second.service.process.kill("SIGCONT");
      expect((await jwks).keys.map(({ kid }) => kid)).toContain(kidOf(tokens.accessToken));
      expect(await active).toBe(true);
      await expect(verified).resolves.toMatchObject({ iss: "https://auth.test" });
    } finally {
      second.service.process.kill("SIGCONT");
    }
  });

  test("where the database is gone, the keys that are known are there still", async () => {
    const database = await createTestDatabase();
    const { AUTH_JWKS_MAX_AGE } = quick;
    await using service = await startService({
      DATABASE_URL: database.uri,
      AUTH_MIGRATE: "auto",
      AUTH_JWKS_MAX_AGE,
    });
    const { tokens } = grpcClients(service);
    const [known] = (await tokens.getJwks({})).keys;
    await database.drop();
    await service.process.logged("not ready: the database is unavailable");
    await sleep(2 * maxAgeMs);
    const response = await fetch(`${service.httpUrl}/.well-known/jwks.json`);
    const { keys } = (await response.json()) as { keys: { kid: string }[] };
    expect(keys.map(({ kid }) => kid)).toContain(known!.kid);
    expect((await tokens.getJwks({})).keys.map(({ kid }) => kid)).toContain(known!.kid);
  });

  test(`two processes that start at the same moment agree on the first key, ${stress(3, 50)} times`, {
    timeout: stress(120_000, 1_200_000),
  }, async () => {
    for (let round = 0; round < stress(3, 50); round++) {
      await using services = await TwoServices.start();
      const sets = await Promise.all(services.both.map(({ tokens }) => tokens.getJwks({})));
      expect(sets[0]!.keys).toHaveLength(1);
      expect(sets[1]!.keys).toEqual(sets[0]!.keys);
      for (const by of services.both) {
        const { accessToken } = (await newSession(by)).tokens;
        for (const at of services.both) {
          expect(await isActive(at, accessToken)).toBe(true);
          await new OutsideVerifier(at.service, 300_000).verify(accessToken);
        }
      }
      expect((await stolenKeys(services)).map(({ sequence }) => sequence)).toEqual([1]);
    }
  });
});
