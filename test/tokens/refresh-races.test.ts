import { setTimeout as sleep } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Session_EndReason, Session_State } from "../../src/gen/auth/v1/session_pb.ts";
import { figure } from "../support/figures.ts";
import { errorOf } from "../support/rpc.ts";
import { ServiceProcess } from "../support/service.ts";
import { stress } from "../support/stress.ts";
import { isActive, newAccount, newSession, refresh, type SignedIn, signIn } from "./sign-in.ts";
import { type Instance, newWrappingKey, TwoServices } from "./two-services.ts";

const rounds = stress(50, 1_000);
const parallel = 32;
const leewayMs = 2_000;

/** Fails unless a session has ended for a token that was used again: on both processes, for each of its tokens. */
async function expectEnded(services: TwoServices, id: string, tokens: readonly SignedIn["tokens"][]) {
  for (const clients of services.both) {
    for (const { accessToken, refreshToken } of tokens) {
      expect(await isActive(clients, accessToken)).toBe(false);
      expect(await errorOf(refresh(clients, refreshToken))).toMatchObject({
        reason: "REFRESH_TOKEN_INVALID",
      });
    }
    const { session } = await clients.sessions.getSession({ id });
    expect(session).toMatchObject({
      state: Session_State.REVOKED,
      endReason: Session_EndReason.REFRESH_TOKEN_REUSED,
    });
  }
}

/** The lines of a process's log that tell of a session's end. */
function warningsOf({ service }: Instance, sessionId: string) {
  return service.process.log.filter((line) => line["sessionId"] === sessionId);
}

/** A session and the tokens of its sign-in and of so many refreshes, by turns on both processes. */
async function sessionWith(services: TwoServices, refreshes: number) {
  const { session, tokens } = await newSession(services.first);
  const generations = [tokens];
  for (let i = 0; i < refreshes; i++) {
    generations.push((await refresh(services.byTurns(i), generations.at(-1)!.refreshToken)).tokens);
  }
  return { id: session.id, generations };
}

describe("refreshes of one token on two processes", () => {
  let services: TwoServices;
  beforeAll(async () => {
    // Long enough for the slowest machine: that it ends is another test.
    services = await TwoServices.start({ AUTH_REFRESH_LEEWAY: "10m", AUTH_LOG_LEVEL: "debug" });
  });
  afterAll(() => services?.[Symbol.asyncDispose]());

  const generationOf = async (id: string) => {
    const [row] = await services.query("select generation from sessions where id = $1", [id]);
    return Number(row?.["generation"]);
  };

  test(`${parallel} at once, ${rounds} times: one new generation each, the same for all, and none fails`, {
    timeout: stress(120_000, 1_800_000),
  }, async () => {
    const { session, tokens } = await newSession(services.first);
    let token = tokens.refreshToken;
    let slowestMs = 0;
    for (let round = 1; round <= rounds; round++) {
      const startedAt = performance.now();
      const answers = await Promise.all(
        Array.from({ length: parallel }, (_, i) => refresh(services.byTurns(i), token)),
      );
      slowestMs = Math.max(slowestMs, Math.round(performance.now() - startedAt));
      const successors = new Set(answers.map((answer) => answer.tokens.refreshToken));
      expect(successors.size).toBe(1);
      expect(successors.has(token)).toBe(false);
      expect(new Set(answers.map((answer) => timestampMs(answer.session!.refreshTime!))).size).toBe(1);
      const active = await services.byTurns(round).tokens.batchIntrospectTokens({
        tokens: answers.map((answer) => answer.tokens.accessToken),
      });
      expect(active.results.filter(({ active }) => !active)).toEqual([]);
      expect(await generationOf(session.id)).toBe(round + 1);
      [token = ""] = successors;
    }
    figure("refresh races", { rounds, parallel, "slowest round ms": slowestMs });
  });

  test("an answer that was lost is given again, by either process, to whoever asks within the leeway", async () => {
    const account = await newAccount(services.first);
    let cancelled = 0;
    for (let round = 0; round < stress(30, 600); round++) {
      const { session, tokens } = await signIn(services.byTurns(round), account);
      const { sessions } = services.byTurns(round);
      const signal = AbortSignal.timeout(round % 15);
      const lost = sessions.refreshSession({ refreshToken: tokens.refreshToken }, { signal }).catch(() => {
        cancelled += 1;
      });
      if (round % 2 === 0) await lost;
      const again = await refresh(services.byTurns(round + 1), tokens.refreshToken);
      const onceMore = await refresh(services.byTurns(round), tokens.refreshToken);
      await lost;
      expect(onceMore.tokens.refreshToken).toBe(again.tokens.refreshToken);
      expect(await generationOf(session.id)).toBe(2);
    }
    expect(cancelled).toBeGreaterThan(0);
  });

  test("the token before the last ends the session at once, even within the leeway, and the log says so", async () => {
    const { id, generations } = await sessionWith(services, 2);
    const [grandparent] = generations;
    expect(await isActive(services.first, generations[2]!.accessToken)).toBe(true);

    const error = await errorOf(refresh(services.second, grandparent!.refreshToken));
    expect(error).toMatchObject({ reason: "REFRESH_TOKEN_INVALID" });
    expect(await errorOf(refresh(services.second, "rt1_unknown"))).toEqual({
      ...error,
      requestId: expect.anything(),
    });

    await expectEnded(services, id, generations);
    const [warning, ...more] = warningsOf(services.second, id);
    expect(warning).toMatchObject({ msg: expect.stringContaining("refresh token reused") });
    // Once, by the process that has ended it: what comes later finds an ended session.
    expect([...more, ...warningsOf(services.first, id)]).toEqual([]);
  });

  test("every older token ends the session too", async () => {
    for (const refreshes of [3, 4, 5]) {
      const { id, generations } = await sessionWith(services, refreshes);
      await errorOf(refresh(services.byTurns(refreshes), generations[0]!.refreshToken));
      await expectEnded(services, id, generations);
    }
  });

  test("the thief's and the owner's tokens at the same moment: the session ends, whoever comes first", async () => {
    let ownerFirst = 0;
    for (let round = 0; round < stress(20, 400); round++) {
      const { id, generations } = await sessionWith(services, 2);
      const [owner] = await Promise.allSettled([
        refresh(services.byTurns(round), generations[2]!.refreshToken),
        errorOf(refresh(services.byTurns(round + 1), generations[0]!.refreshToken)),
      ]);
      if (owner.status === "fulfilled") ownerFirst += 1;
      const all = owner.status === "fulfilled" ? [...generations, owner.value.tokens] : generations;
      await expectEnded(services, id, all);
    }
    figure("thief and owner at once", { "owner first": ownerFirst });
  });

  test("no token is in the log, whole or in part", async () => {
    const { generations } = await sessionWith(services, 2);
    const [grandparent] = generations;
    await errorOf(refresh(services.first, grandparent!.refreshToken));
    await errorOf(refresh(services.second, `${grandparent!.refreshToken}x`));
    await isActive(services.second, `${grandparent!.accessToken}x`);
    const secrets = generations.flatMap(({ accessToken, refreshToken }) => [
      ...accessToken.split("."),
      refreshToken.slice(4),
      refreshToken.slice(-43),
    ]);
    for (const { service } of services.both) {
      expect(service.process.output).toContain("RefreshSession");
      // The header of access tokens is no secret, but has no business there either.
      expect(secrets.filter((secret) => service.process.output.includes(secret))).toEqual([]);
      expect(service.process.output).not.toContain("rt1_");
    }
  });
});

describe("refresh tokens and time", () => {
  test("the last but one ends the session after the leeway, and a restart neither forgets nor forgives", {
    timeout: 120_000,
  }, async () => {
    await using services = await TwoServices.start({ AUTH_REFRESH_LEEWAY: `${leewayMs}ms` });
    const [late, parent, grandparent, good] = await Promise.all([
      sessionWith(services, 1),
      sessionWith(services, 1),
      sessionWith(services, 2),
      sessionWith(services, 2),
    ]);
    await sleep(leewayMs + 100);
    await errorOf(refresh(services.second, late.generations[0]!.refreshToken));
    await expectEnded(services, late.id, late.generations);
    expect(warningsOf(services.second, late.id)).toHaveLength(1);

    await services.restartBoth();
    const { tokens } = await refresh(services.second, good.generations[2]!.refreshToken);
    for (const clients of services.both) {
      for (const { accessToken } of [...good.generations, tokens]) {
        expect(await isActive(clients, accessToken)).toBe(true);
      }
    }
    await errorOf(refresh(services.first, grandparent.generations[0]!.refreshToken));
    await expectEnded(services, grandparent.id, grandparent.generations);
    await errorOf(refresh(services.second, parent.generations[0]!.refreshToken));
    await expectEnded(services, parent.id, parent.generations);
    await expectEnded(services, late.id, late.generations);
    expect(await isActive(services.first, tokens.accessToken)).toBe(true);
    await refresh(services.first, tokens.refreshToken);
  });
});

describe("refresh tokens and the wrapping key", () => {
  test("the wrapping key is exchanged, one process after the other, and all tokens stay good", {
    timeout: 120_000,
  }, async () => {
    await using services = await TwoServices.start();
    const old = services.wrappingKey;
    const key = newWrappingKey();
    const { session, tokens } = await newSession(services.first);
    const accessTokens = [tokens.accessToken];
    let token = tokens.refreshToken;
    // Both know the new key before one wraps by it, and nothing is wrapped by the old one before it goes.
    for (const keys of [`${old},${key}`, `${key},${old}`, key]) {
      for (const which of [0, 1] as const) {
        await services.restart(which, { AUTH_WRAPPING_KEY: keys });
        for (const clients of services.both) {
          const answer = await refresh(clients, token);
          expect(answer.session!.id).toBe(session.id);
          token = answer.tokens.refreshToken;
          accessTokens.push(answer.tokens.accessToken);
        }
        for (const clients of services.both) {
          const { results } = await clients.tokens.batchIntrospectTokens({ tokens: accessTokens });
          expect(results.filter(({ active }) => !active)).toEqual([]);
        }
      }
    }
    const [row] = await services.query("select count(*) from signing_keys");
    expect(Number(row?.["count"])).toBe(1);

    const refused = new ServiceProcess({ DATABASE_URL: services.database.uri, AUTH_WRAPPING_KEY: old });
    expect(await refused.exited()).toBe(1);
    expect(refused.output).toContain("not one of the wrapping keys");
    expect(refused.output).not.toContain(old);
  });
});
