import { randomUUID } from "node:crypto";
import { ConnectError } from "@connectrpc/connect";
import { afterAll, describe, expect, test } from "vitest";
import { Event_Type } from "../../src/gen/auth/v1/event_pb.ts";
import { Session_EndReason, Session_State } from "../../src/gen/auth/v1/session_pb.ts";
import { type FaultLane, FaultLanes } from "../support/fault-lane.ts";
import { answerOf } from "../support/fault-verdict.ts";
import { allFaults, nth } from "../support/faults.ts";
import { audience, password } from "../support/services.ts";
import { stress } from "../support/stress.ts";

/** One case: a user that is signed in once, and nothing else. */
interface SignedIn {
  readonly userId: string;
  readonly username: string;
  readonly sessionId: string;
  readonly refreshToken: string;
}

/** A call that changes sessions, and what is wrong with what there is after its answer. */
interface Scenario {
  readonly name: string;
  readonly call: (lane: FaultLane, before: SignedIn) => Promise<unknown>;
  /** What it is told of as, once. */
  readonly event: Event_Type;
  readonly failures: (
    lane: FaultLane,
    before: SignedIn,
    answer: PromiseSettledResult<unknown>,
  ) => Promise<string[]>;
}

const scenarios: readonly Scenario[] = [
  {
    name: "Authenticate",
    event: Event_Type.SESSION_BEGUN,
    call: ({ rpc }, { username }) => rpc.authentication.authenticate(signIn(username)),
    async failures({ rpc }, { userId, sessionId }, answer) {
      const { sessions } = await rpc.sessions.listSessions({ userId, showEnded: true });
      const begun = sessions.filter(({ id }) => id !== sessionId);
      const failures: string[] = begun.map(({ state }) =>
        state === Session_State.LIVE ? "" : "a session is not live",
      );
      if (begun.length !== 1) failures.push(`${begun.length} sessions were begun`);
      const { session, tokens } = (answer as PromiseFulfilledResult<SignInAnswer>).value;
      if (session?.id !== begun[0]?.id) failures.push("the answer has another session");
      const { active } = await rpc.tokens.introspectToken({ token: tokens?.accessToken ?? "" });
      if (!active) failures.push("its access token is not good");
      return failures;
    },
  },
  {
    name: "RefreshSession",
    event: Event_Type.SESSION_REFRESHED,
    call: ({ rpc }, { refreshToken }) => rpc.sessions.refreshSession({ refreshToken }),
    async failures({ rpc }, before, answer) {
      const { session, tokens } = (answer as PromiseFulfilledResult<SignInAnswer>).value;
      const failures = session?.id === before.sessionId ? [] : ["the answer has another session"];
      // A caller that has not got the answer asks again.
      const again = await rpc.sessions.refreshSession({ refreshToken: before.refreshToken });
      if (again.tokens?.refreshToken !== tokens?.refreshToken) failures.push("there are two successors");
      const next = await rpc.sessions.refreshSession({ refreshToken: tokens?.refreshToken ?? "" });
      if (next.session?.state !== Session_State.LIVE) failures.push("the successor ended the session");
      const warnings = rpc.services.warnings.splice(0);
      if (warnings.length > 0) failures.push(`false alarm: ${warnings[0]?.message}`);
      return failures;
    },
  },
  {
    name: "RevokeSession",
    event: Event_Type.SESSION_REVOKED,
    call: ({ rpc }, { sessionId }) => rpc.sessions.revokeSession({ id: sessionId }),
    failures: ended(Session_EndReason.REVOKED),
  },
  {
    name: "RevokeUserSessions",
    event: Event_Type.USER_SESSIONS_REVOKED,
    call: ({ rpc }, { userId }) => rpc.sessions.revokeUserSessions({ userId }),
    failures: ended(Session_EndReason.REVOKED),
  },
  {
    name: "SuspendUser",
    event: Event_Type.USER_SUSPENDED,
    call: ({ rpc }, { userId }) =>
      rpc.users.suspendUser({ id: userId, reason: "r", requestId: randomUUID() }),
    failures: ended(Session_EndReason.USER_SUSPENDED),
  },
];

interface SignInAnswer {
  readonly session?: { readonly id: string };
  readonly tokens?: { readonly accessToken: string; readonly refreshToken: string };
}

function ended(reason: Session_EndReason): Scenario["failures"] {
  return async ({ rpc }, { sessionId, refreshToken }) => {
    const { session } = await rpc.sessions.getSession({ id: sessionId });
    const refresh = await rpc.sessions.refreshSession({ refreshToken }).then(
      () => "it can be refreshed",
      (error: unknown) =>
        /the refresh token is invalid/.test(ConnectError.from(error).message) ? "" : String(error),
    );
    return [refresh, session?.endReason === reason ? "" : `it ended for ${session?.endReason}`].filter(
      Boolean,
    );
  };
}

const signIn = (identifier: string) => ({ identifier, password, audience, client: { id: "web" } });

/** Of the cases of a scenario, one in so many is tried on a server that looks like CockroachDB. */
const strides = { postgresql: 1, cockroachdb: stress(3, 1) };

describe.each(["postgresql", "cockroachdb"] as const)("on a server that looks like %s", (as) => {
  const lanes = new FaultLanes(as, 2);
  afterAll(() => lanes[Symbol.asyncDispose]());

  test.concurrent.each(scenarios.map((scenario) => ({ name: scenario.name, scenario })))(
    "$name: one fault at any statement, before or after it applied, has one effect and no false alarm",
    ({ scenario }) =>
      lanes.use(async (lane) => {
        const failures: string[] = [];
        const statements = await statementsOf(lane, scenario);
        expect(statements.length).toBeGreaterThan(0);
        const cases = [...statements.keys()].flatMap((index) =>
          allFaults.map((each) => ({ index, ...each })),
        );
        for (const { index, name, fault } of cases.filter((_, place) => place % strides[as] === 0)) {
          const before = await signedIn(lane);
          const told = await eventsOf(lane, before, scenario.event);
          lane.proxy.faults = nth(index, fault);
          const [answer] = await Promise.allSettled([scenario.call(lane, before)]);
          lane.proxy.faults = () => undefined;
          const said = answerOf(answer);
          const found = [...(await lane.leftOver())];
          const events = (await eventsOf(lane, before, scenario.event)) - told;
          if (events !== 1) found.push(`there are ${events} events`);
          found.push(
            ...(said === "OK"
              ? await scenario.failures(lane, before, answer)
              : [`it was answered with ${said}`]),
          );
          failures.push(
            ...found.filter(Boolean).map((failure) => `${name} at statement ${index}: ${failure}`),
          );
        }
        expect(failures).toEqual([]);
      }),
    stress(120_000, 600_000),
  );
});

/** How many events of a type there are about the user. */
async function eventsOf({ rpc }: FaultLane, { userId }: SignedIn, type: Event_Type): Promise<number> {
  return (await rpc.events.listEvents({ filter: { userId, types: [type] } })).events.length;
}

async function signedIn({ rpc }: FaultLane): Promise<SignedIn> {
  const username = `u${randomUUID()}`;
  const { user } = await rpc.users.createUser({ user: { username }, password });
  const { session, tokens } = await rpc.authentication.authenticate(signIn(username));
  return {
    userId: user?.id ?? "",
    username,
    sessionId: session?.id ?? "",
    refreshToken: tokens?.refreshToken ?? "",
  };
}

/** The statements of a call that nothing goes wrong with. */
async function statementsOf(lane: FaultLane, scenario: Scenario): Promise<string[]> {
  const before = await signedIn(lane);
  lane.proxy.statements.length = 0;
  await scenario.call(lane, before);
  return [...lane.proxy.statements];
}
