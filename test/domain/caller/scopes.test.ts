import { beforeEach, describe, expect, test } from "vitest";
import type { Call } from "../../../src/domain/call.ts";
import { Scope } from "../../../src/domain/caller/grants.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { askedOf } from "../../support/asked.ts";
import { aCall } from "../../support/calls.ts";
import { type ClockedServices, client, clockedServices } from "../../support/clocked-services.ts";
import { audience, password } from "../../support/services.ts";

// Grants that are limited to audiences and clients: issue 11, section 3.

let services: ClockedServices;
beforeEach(async () => {
  services = await clockedServices({
    AUTH_AUDIENCES: `${audience},orders`,
    AUTH_ISSUER: "https://auth.test",
  });
  await services.create("ada");
});

/** A call whose caller's grant is good for these audiences and clients only. */
function within(audiences?: readonly string[], clients?: readonly string[]): Call {
  const limit = { audiences: audiences && new Set(audiences), clients: clients && new Set(clients) };
  return { ...aCall(), scope: Scope.of([limit]) };
}
const begin = (call: Call, changes: { audience?: string; client?: string; password?: string } = {}) =>
  services.authentication.authenticate(call, {
    identifier: "ada",
    password: new Secret(changes.password ?? password),
    audience: changes.audience ?? audience,
    client: { ...client, id: changes.client ?? "web" },
  });
const outOfScope = { reason: "OUT_OF_SCOPE", kind: "permission-denied" };

describe("a sign-in", () => {
  test("is within the scope", async () => {
    const { session } = await begin(within([audience], ["web"]));
    expect(session).toMatchObject({ audience, client: { id: "web" } });
  });

  test.each<[string, () => Call, { audience?: string; client?: string }]>([
    ["for another audience", () => within([audience]), { audience: "orders" }],
    ["for an audience that there is not", () => within([audience]), { audience: "nowhere" }],
    ["with another client", () => within(undefined, ["web"]), { client: "payments-admin-console" }],
    ["with a good client for another audience", () => within([audience], ["web"]), { audience: "orders" }],
  ])("%s is refused", async (_what, callOf, changes) => {
    await expect(begin(callOf(), changes)).rejects.toMatchObject(outOfScope);
  });

  test("that is refused checks no password and counts no attempt", async () => {
    const asked = askedOf(services.repository);
    const wrong = { audience: "orders", password: "wrong donkey battery staple" };
    for (let count = 0; count < 12; count++) {
      await expect(begin(within([audience]), wrong)).rejects.toMatchObject(outOfScope);
    }
    expect(asked).toEqual([]);
    await begin(aCall());
  });
});

describe("a refresh", () => {
  const refresh = async (call: Call, token: Secret) => services.sessions.refresh(call, token);

  test("of a session in the scope", async () => {
    const { tokens } = await begin(aCall());
    const { session } = await refresh(within([audience], ["web"]), tokens.refreshToken);
    expect(session.generation).toBe(2);
  });

  test("of another session is refused, and uses no token", async () => {
    const { tokens } = await begin(aCall(), { audience: "orders", client: "ios" });
    for (const call of [within([audience]), within(["orders"], ["web"])]) {
      await expect(refresh(call, tokens.refreshToken)).rejects.toMatchObject(outOfScope);
    }
    expect((await refresh(aCall(), tokens.refreshToken)).session.generation).toBe(2);
  });
});

describe("introspection", () => {
  const introspect = (call: Call, tokens: readonly Secret[]) =>
    services.tokens.batchIntrospect(call, tokens, { audience: undefined, maxStalenessMs: 60_000 });

  test("of tokens outside the scope finds them inactive, one by one and in a batch", async () => {
    const ours = (await begin(aCall())).tokens.accessToken;
    const theirs = (await begin(aCall(), { audience: "orders" })).tokens.accessToken;
    const ios = (await begin(aCall(), { client: "ios" })).tokens.accessToken;
    // Also of what is remembered.
    expect((await introspect(aCall(), [ours, theirs, ios])).map((claims) => claims?.aud)).toEqual([
      audience,
      "orders",
      audience,
    ]);
    const aud = (claims: { aud: string } | undefined) => claims?.aud;
    expect((await introspect(within([audience]), [ours, theirs, ios])).map(aud)).toEqual([
      audience,
      undefined,
      audience,
    ]);
    expect((await introspect(within([audience], ["ios"]), [ours, theirs, ios])).map(aud)).toEqual([
      undefined,
      undefined,
      audience,
    ]);
    const asked = { audience: undefined, maxStalenessMs: 0 };
    expect(await services.tokens.introspect(within([audience]), theirs, asked)).toBeUndefined();
  });
});
