import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";
import { type Event, Event_Outcome, Event_Type, EventSchema } from "../../../src/gen/auth/v1/event_pb.ts";
import type {
  EventFilterSchema,
  ListEventsRequestSchema,
  WatchEventsRequestSchema,
} from "../../../src/gen/auth/v1/event_service_pb.ts";
import { toEventMessage } from "../../../src/interfaces/rpc/event-message.ts";
import { aCall } from "../../support/calls.ts";
import { client } from "../../support/clocked-services.ts";
import { minute, second } from "../../support/clocks.ts";
import { anEvent } from "../../support/events.ts";
import { errorOf } from "../../support/rpc.ts";
import { otherPassword, password } from "../../support/services.ts";
import { type RpcWithAda, rpcWithAda } from "../../support/signed-in-rpc.ts";

type WatchRequest = MessageInitShape<typeof WatchEventsRequestSchema>;

let rpc: RpcWithAda;

beforeEach(async () => {
  rpc = await rpcWithAda();
});

const list = async (request: MessageInitShape<typeof ListEventsRequestSchema> = {}) =>
  (await rpc.events.listEvents(request)).events;
const ofAda = (filter: MessageInitShape<typeof EventFilterSchema> = {}) =>
  list({ filter: { userId: rpc.user.id, ...filter } });
const typesOf = (events: readonly Event[]) => events.map(({ type }) => type);

describe("an event as callers see it", () => {
  test("says who did what to whom, from where, and what became of it", async () => {
    rpc.clocks.pass(second);
    const headers = { "x-request-id": "r-42" };
    const { session } = await rpc.authentication.authenticate(
      { identifier: "ada", password, audience: "development", client },
      { headers },
    );
    const [event] = await ofAda();
    expect(event).toEqual(
      create(EventSchema, {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown as string,
        createTime: session!.createTime!,
        type: Event_Type.SESSION_BEGUN,
        outcome: Event_Outcome.SUCCESS,
        reason: "",
        userId: rpc.user.id,
        objectId: session!.id,
        changedFields: [],
        caller: "anonymous",
        address: "",
        clientAddress: client.ipAddress,
        requestId: "r-42",
      }),
    );
  });

  test("of the service itself is its own, and about no user", async () => {
    const [event, ...others] = await list({ filter: { types: [Event_Type.SIGNING_KEY_ADDED] } });
    expect(event).toMatchObject({
      caller: "spiffe://test.example/caller",
      userId: "",
      objectId: expect.stringMatching(/-/),
    });
    expect(others).toEqual([]);
  });

  test("of a type that only a later release knows is of none", () => {
    const event = { ...anEvent(), createTime: new Date(0), type: "teapot.brewed" as never };
    expect(toEventMessage(event).type).toBe(Event_Type.UNSPECIFIED);
  });
});

describe("the life of a session", () => {
  test("is told once, step by step", async () => {
    const { session, tokens } = await rpc.signIn();
    const { sessions } = rpc;
    const step = async (type: Event_Type, act: () => Promise<unknown>) => {
      rpc.clocks.pass(second);
      const before = await ofAda();
      await act();
      const [event, ...others] = await ofAda();
      expect(others).toEqual(before);
      expect(event).toMatchObject({ type, objectId: session.id });
      return event;
    };
    const { refreshToken } = tokens;
    const refresh = () => sessions.refreshSession({ refreshToken, ipAddress: "192.0.2.7" });
    await step(Event_Type.SESSION_REFRESHED, refresh);
    const repeated = await step(Event_Type.REFRESH_TOKEN_REPEATED, refresh);
    expect(repeated).toMatchObject({ outcome: Event_Outcome.SUCCESS, clientAddress: "192.0.2.7" });
    rpc.clocks.pass(minute);
    const reused = await step(Event_Type.REFRESH_TOKEN_REUSED, () => errorOf(refresh()));
    expect(reused).toMatchObject({ outcome: Event_Outcome.REFUSED, reason: "REFRESH_TOKEN_INVALID" });
    const all = await ofAda();
    await errorOf(refresh());
    await sessions.revokeSession({ id: session.id });
    expect(await ofAda()).toEqual(all);
  });

  test("ends by a call, which is one event, also where it ends several", async () => {
    const begun = [await rpc.signIn(), await rpc.signIn(), await rpc.signIn()].map(
      ({ session }) => session.id,
    );
    const objectsOf = async (type: Event_Type) =>
      (await ofAda({ types: [type] })).map(({ objectId }) => objectId).sort();
    await rpc.sessions.revokeSession({ id: begun[0]! });
    await rpc.sessions.revokeSession({ id: begun[0]! });
    expect(await objectsOf(Event_Type.SESSION_REVOKED)).toEqual([begun[0]]);
    await rpc.sessions.revokeUserSessions({ userId: rpc.user.id, exceptSessionId: begun[1]! });
    expect(await objectsOf(Event_Type.USER_SESSIONS_REVOKED)).toEqual([begun[1]]);
    await rpc.sessions.revokeUserSessions({ userId: rpc.user.id });
    expect(await objectsOf(Event_Type.USER_SESSIONS_REVOKED)).toEqual(["", begun[1]]);
    await rpc.sessions.revokeUserSessions({ userId: randomUUID() });
    expect(await objectsOf(Event_Type.SESSION_REVOKED)).toEqual([begun[0]]);
  });

  test("ends with what ended it, which is one event", async () => {
    await rpc.signIn();
    await rpc.signIn();
    rpc.clocks.pass(second);
    const before = await ofAda();
    await rpc.users.suspendUser({ id: rpc.user.id, reason: "fraud" });
    const [event, ...others] = await ofAda();
    expect(event).toMatchObject({
      type: Event_Type.USER_SUSPENDED,
      changedFields: ["suspension"],
      objectId: "",
    });
    expect(others).toEqual(before);
  });
});

describe("the life of a service account and its keys", () => {
  test("is told once, step by step, and nothing where nothing changes", async () => {
    const { serviceAccounts: accounts } = rpc;
    const about = (objectId: string) => async () =>
      (await list({ pageSize: 1_000 }))
        .filter((event) => event.objectId === objectId)
        .map(({ type, changedFields }) => [type, ...changedFields]);
    const created = await accounts.createServiceAccount({ name: "billing", roles: ["verifier"] });
    const { id } = created.serviceAccount!;
    const { serviceAccountKey: key } = await accounts.createServiceAccountKey({ serviceAccountId: id });
    const [ofAccount, ofKey] = [about(id), about(key!.id)];
    const steps: [Event_Type, string[], () => Promise<unknown>][] = [
      [
        Event_Type.SERVICE_ACCOUNT_UPDATED,
        ["display_name", "roles"],
        () => accounts.updateServiceAccount({ id, displayName: "B", roles: ["reader"] }),
      ],
      [Event_Type.SERVICE_ACCOUNT_DISABLED, [], () => accounts.disableServiceAccount({ id })],
      [Event_Type.SERVICE_ACCOUNT_ENABLED, [], () => accounts.enableServiceAccount({ id })],
    ];
    const told: unknown[] = [[Event_Type.SERVICE_ACCOUNT_CREATED, "name", "roles"]];
    expect(await ofAccount()).toEqual(told);
    for (const [type, fields, act] of steps) {
      rpc.clocks.pass(second);
      await act();
      await act();
      told.unshift([type, ...fields]);
      expect(await ofAccount()).toEqual(told);
    }
    rpc.clocks.pass(second);
    for (let i = 0; i < 2; i++) await accounts.disableServiceAccountKey({ id: key!.id });
    rpc.clocks.pass(second);
    await accounts.deleteServiceAccountKey({ id: key!.id });
    await errorOf(accounts.deleteServiceAccountKey({ id: key!.id }));
    expect(await ofKey()).toEqual([
      [Event_Type.SERVICE_ACCOUNT_KEY_DELETED],
      [Event_Type.SERVICE_ACCOUNT_KEY_DISABLED],
      [Event_Type.SERVICE_ACCOUNT_KEY_CREATED],
    ]);
    await accounts.deleteServiceAccount({ id });
    await errorOf(accounts.deleteServiceAccount({ id }));
    expect(await ofAccount()).toEqual([[Event_Type.SERVICE_ACCOUNT_DELETED], ...told]);
  });
});

describe("what is no event", () => {
  const nothingHappens = async (act: () => Promise<unknown>) => {
    const before = await list({ pageSize: 1_000 });
    await act();
    expect(await list({ pageSize: 1_000 })).toEqual(before);
  };

  test("a change that fails", async () => {
    const { users, authentication, user } = rpc;
    await rpc.users.createUser({ user: { username: "bob" } });
    const update = (fields: object, paths: string[]) =>
      errorOf(users.updateUser({ user: { id: user.id, ...fields }, updateMask: { paths } }));
    await nothingHappens(() => update({ username: "bob" }, ["username"]));
    await nothingHappens(() => update({ etag: "7", displayName: "x" }, ["display_name"]));
    await nothingHappens(() => errorOf(users.undeleteUser({ id: user.id })));
    await nothingHappens(() => errorOf(users.createUser({ user: { username: "ada" } })));
    await nothingHappens(() => errorOf(users.deleteUser({ id: randomUUID() })));
    await nothingHappens(() =>
      errorOf(authentication.setPassword({ userId: randomUUID(), password: otherPassword })),
    );
    await nothingHappens(() => errorOf(rpc.sessions.revokeSession({ id: randomUUID() })));
    await nothingHappens(() =>
      errorOf(users.suspendUser({ id: user.id, reason: "r", untilTime: timestampFromMs(1_000) })),
    );
  });

  test("a change that changes nothing", async () => {
    const { users, user } = rpc;
    await nothingHappens(() => users.unsuspendUser({ id: user.id }));
    await nothingHappens(() =>
      users.updateUser({ user: { id: user.id, username: "ada" }, updateMask: { paths: ["username"] } }),
    );
  });

  test("a read", async () => {
    const { session, tokens } = await rpc.signIn();
    await nothingHappens(() => rpc.users.getUser({ id: rpc.user.id }));
    await nothingHappens(() => rpc.sessions.getSession({ id: session.id }));
    await nothingHappens(() => rpc.tokens.introspectToken({ token: tokens.accessToken }));
  });
});

describe("ListEvents", () => {
  test("answers pages, youngest first, and each event once", async () => {
    for (let i = 0; i < 12; i++) {
      rpc.clocks.pass(second);
      await rpc.signIn();
    }
    const all = await ofAda();
    expect(all).toHaveLength(13);
    expect(typesOf(all).at(-1)).toBe(Event_Type.USER_CREATED);
    const paged: Event[] = [];
    for (let pageToken = ""; ; ) {
      const page = await rpc.events.listEvents({ filter: { userId: rpc.user.id }, pageSize: 5, pageToken });
      paged.push(...page.events);
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    expect(paged).toEqual(all);
  });

  test("binds a page token to its filter and times", async () => {
    await rpc.signIn();
    const { nextPageToken: pageToken } = await rpc.events.listEvents({ pageSize: 1 });
    expect(pageToken).not.toBe("");
    for (const request of [
      { filter: { userId: rpc.user.id } },
      { filter: { types: [Event_Type.USER_CREATED] } },
      { filter: { outcome: Event_Outcome.SUCCESS } },
      { filter: { caller: "anonymous" } },
      { createdAfter: timestampFromMs(0) },
      { createdBefore: timestampFromMs(1e12) },
    ]) {
      expect(await errorOf(rpc.events.listEvents({ ...request, pageToken }))).toMatchObject({
        code: Code.InvalidArgument,
        reason: "PAGE_TOKEN_INVALID",
      });
    }
    expect((await rpc.events.listEvents({ pageToken })).events).not.toEqual([]);
  });

  test("filters by each of its fields", async () => {
    rpc.clocks.pass(second);
    const { session } = await rpc.signIn();
    const [event] = await list({ filter: { types: [Event_Type.SESSION_BEGUN, Event_Type.PASSWORD_SET] } });
    expect(event?.objectId).toBe(session.id);
    expect(await list({ filter: { userId: rpc.user.id.toUpperCase() } })).toHaveLength(2);
    expect(await list({ filter: { outcome: Event_Outcome.FAILURE } })).toEqual([]);
    expect(await list({ filter: { caller: "anonymous" } })).toHaveLength(2);
    expect(await list({ filter: { caller: "anonymou" } })).toEqual([]);
    const at = timestampFromMs(timestampDate(event!.createTime!).getTime());
    expect(await list({ createdAfter: at })).toEqual([event]);
    expect(await list({ createdBefore: at })).not.toContainEqual(event);
  });
});

describe("WatchEvents", () => {
  test("tells of what happens, and goes on from a cursor", async () => {
    const advance = () => rpc.services.events.advance(aCall());
    await advance();
    const watch = rpc.events.watchEvents({ filter: { userId: rpc.user.id } })[Symbol.asyncIterator]();
    const { value: first } = await watch.next();
    expect(first.event).toBeUndefined();
    const { session } = await rpc.signIn();
    await advance();
    const { value: second } = await watch.next();
    expect(second.event).toMatchObject({ type: Event_Type.SESSION_BEGUN, objectId: session.id });
    expect([second.event]).toEqual(await ofAda({ types: [Event_Type.SESSION_BEGUN] }));
    await watch.return?.();
    for await (const { event, cursor } of rpc.events.watchEvents({
      filter: { userId: rpc.user.id },
      cursor: first.cursor,
    })) {
      expect(event).toEqual(second.event);
      expect(cursor).not.toBe("");
      break;
    }
  });

  test("refuses a cursor that is not its own", async () => {
    expect(await errorOf(firstOf({ cursor: "x" }))).toMatchObject({
      code: Code.InvalidArgument,
      reason: "CURSOR_INVALID",
      fields: ["cursor"],
    });
  });

  test("says that it is about to stop", async () => {
    rpc.services.events.close();
    expect(await errorOf(firstOf({}))).toMatchObject({ code: Code.Unavailable, reason: "SHUTTING_DOWN" });
  });

  const bad: { name: string; request: WatchRequest; field: string }[] = [
    { name: "a user that is no UUID", request: { filter: { userId: "x" } }, field: "filter.user_id" },
    { name: "no type", request: { filter: { types: [0] } }, field: "filter.types[0]" },
    {
      name: "an unknown type",
      request: { filter: { types: [9_999 as Event_Type] } },
      field: "filter.types[0]",
    },
    {
      name: "an unknown outcome",
      request: { filter: { outcome: 9 as Event_Outcome } },
      field: "filter.outcome",
    },
    { name: "a caller with a NUL", request: { filter: { caller: "a\0" } }, field: "filter.caller" },
    { name: "a long cursor", request: { cursor: "x".repeat(1_025) }, field: "cursor" },
    {
      name: "no heartbeat for 11 s",
      request: { heartbeatInterval: { seconds: 11n } },
      field: "heartbeat_interval",
    },
    {
      name: "a heartbeat each 0.5 s",
      request: { heartbeatInterval: { nanos: 5e8 } },
      field: "heartbeat_interval",
    },
  ];

  test.each(bad)("refuses $name", async ({ request, field }) => {
    expect(await errorOf(firstOf(request))).toMatchObject({
      code: Code.InvalidArgument,
      reason: "INVALID_REQUEST",
      fields: [field],
    });
  });

  async function firstOf(request: WatchRequest): Promise<unknown> {
    for await (const answer of rpc.events.watchEvents(request)) return answer;
    throw new Error("the watch has ended without an answer");
  }
});
