import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";
import { type Asked, askedOf } from "../../support/asked.ts";
import { client } from "../../support/clocked-services.ts";
import { errorOf } from "../../support/rpc.ts";
import { audience, password } from "../../support/services.ts";
import { type RpcWithAda, rpcWithAda } from "../../support/signed-in-rpc.ts";

let rpc: RpcWithAda;
let signIn: Awaited<ReturnType<RpcWithAda["signIn"]>>;
let asked: Asked[];

beforeEach(async () => {
  rpc = await rpcWithAda();
  signIn = await rpc.signIn();
  asked = askedOf(rpc.repository);
});

interface BadRequest {
  readonly name: string;
  readonly fields: readonly string[];
  readonly call: (rpc: RpcWithAda) => Promise<unknown>;
  readonly reason: string;
}

/** One call that is wrong, and the fields that the answer must name. */
const bad = (
  name: string,
  fields: readonly string[],
  call: BadRequest["call"],
  reason = "INVALID_REQUEST",
): BadRequest => ({ name, fields, call, reason });

const good = { identifier: "ada", password, audience, client };
const authenticate =
  (changes: object) =>
  ({ authentication }: RpcWithAda) =>
    authentication.authenticate({ ...good, ...changes });
const withClient = (changes: object) => authenticate({ client: { ...client, ...changes } });
const notUuids = ["", "x", "1' or '1'='1", "0d8c2b1a-5f0e-4a86-9d2c-3c7e5a1b9f0", `${"0".repeat(8)}-0000`];

const signIns: BadRequest[] = [
  bad("Authenticate with nothing", ["identifier", "password", "audience", "client"], ({ authentication }) =>
    authentication.authenticate({}),
  ),
  bad("an identifier of 321 bytes", ["identifier"], authenticate({ identifier: "a".repeat(321) })),
  bad("a password of 1,025 bytes", ["password"], authenticate({ password: "x".repeat(1_025) })),
  bad("no audience", ["audience"], authenticate({ audience: "" })),
  bad("an audience of 257 bytes", ["audience"], authenticate({ audience: "a".repeat(257) })),
  bad("an audience that is none", ["audience"], authenticate({ audience: "other" }), "AUDIENCE_UNKNOWN"),
  bad("a client without an id", ["client.id"], authenticate({ client: {} })),
  ...["-web", ".", "we b", "web\n", "wéb", "a\0", 'a"', "a".repeat(129)].map((id) =>
    bad(`the client id ${JSON.stringify(id)}`, ["client.id"], withClient({ id })),
  ),
  ...["a\nb", "a\0b", "\u007f", "\u0085", "x".repeat(129)].map((displayName) =>
    bad(
      `the client's name ${JSON.stringify(displayName)}`,
      ["client.display_name"],
      withClient({ displayName }),
    ),
  ),
  ...["a\r\nb", "\0", "x".repeat(513)].map((userAgent) =>
    bad(`the user agent ${JSON.stringify(userAgent)}`, ["client.user_agent"], withClient({ userAgent })),
  ),
  ...[
    "1.2.3",
    "1.2.3.256",
    "localhost",
    "1.2.3.4:80",
    "[::1]",
    "::1/128",
    "1.2.3.4, 5.6.7.8",
    "1.2.3.4\n",
  ].map((ipAddress) =>
    bad(`the address ${JSON.stringify(ipAddress)}`, ["client.ip_address"], withClient({ ipAddress })),
  ),
  bad(
    "several faults of a client at once",
    ["client.id", "client.display_name", "client.user_agent", "client.ip_address"],
    withClient({ id: "", displayName: "\0", userAgent: "\0", ipAddress: "x" }),
  ),
];

const sessionCalls: BadRequest[] = [
  ...notUuids.flatMap((id) => [
    bad(`GetSession of ${JSON.stringify(id)}`, ["id"], ({ sessions }) => sessions.getSession({ id })),
    bad(`RevokeSession of ${JSON.stringify(id)}`, ["id"], ({ sessions }) => sessions.revokeSession({ id })),
    bad(`ListSessions of ${JSON.stringify(id)}`, ["user_id"], ({ sessions }) =>
      sessions.listSessions({ userId: id }),
    ),
    bad(`RevokeUserSessions of ${JSON.stringify(id)}`, ["user_id"], ({ sessions }) =>
      sessions.revokeUserSessions({ userId: id }),
    ),
  ]),
  bad("RevokeUserSessions except what is no UUID", ["except_session_id"], ({ sessions, user }) =>
    sessions.revokeUserSessions({ userId: user.id, exceptSessionId: "x" }),
  ),
  bad("a page size of -1", ["page_size"], ({ sessions, user }) =>
    sessions.listSessions({ userId: user.id, pageSize: -1 }),
  ),
  bad("a page token of 1,025 bytes", ["page_token"], ({ sessions, user }) =>
    sessions.listSessions({ userId: user.id, pageToken: "x".repeat(1_025) }),
  ),
  bad(
    "a page token that is forged",
    ["page_token"],
    ({ sessions, user }) => sessions.listSessions({ userId: user.id, pageToken: "forged" }),
    "PAGE_TOKEN_INVALID",
  ),
  bad("RefreshSession without a token", ["refresh_token"], ({ sessions }) => sessions.refreshSession({})),
  bad("a refresh token of 4,097 bytes", ["refresh_token"], ({ sessions }) =>
    sessions.refreshSession({ refreshToken: "x".repeat(4_097) }),
  ),
];

const stalenesses = [
  { seconds: -1n },
  { nanos: -1_000_000 },
  { seconds: 301n },
  { seconds: 300n, nanos: 1_000_000 },
  { seconds: -9_223_372_036_854_775_808n },
  { seconds: 9_223_372_036_854_775_807n, nanos: 999_999_999 },
  { seconds: 299n, nanos: 2_000_000_000 },
];

const tokenCalls: BadRequest[] = [
  ...stalenesses.flatMap((maxStaleness) => {
    const { seconds = 0n, nanos = 0 } = maxStaleness;
    const name = `an age of ${seconds} s and ${nanos} ns`;
    return [
      bad(`IntrospectToken with ${name}`, ["max_staleness"], ({ tokens }) =>
        tokens.introspectToken({ token: "x", maxStaleness }),
      ),
      bad(`BatchIntrospectTokens with ${name}`, ["max_staleness"], ({ tokens }) =>
        tokens.batchIntrospectTokens({ tokens: ["x"], maxStaleness }),
      ),
    ];
  }),
  bad("BatchIntrospectTokens of none", ["tokens"], ({ tokens }) => tokens.batchIntrospectTokens({})),
  bad("BatchIntrospectTokens of 501", ["tokens"], ({ tokens }) =>
    tokens.batchIntrospectTokens({ tokens: Array(501).fill("x") }),
  ),
];

describe("a bad request is INVALID_ARGUMENT, names its fields, and reaches no database", () => {
  test.each([...signIns, ...sessionCalls, ...tokenCalls])("$name", async ({ call, fields, reason }) => {
    const error = await errorOf(call(rpc));
    expect(error).toMatchObject({ code: Code.InvalidArgument, reason, domain: "auth" });
    expect([...error.fields].sort()).toEqual([...fields].sort());
    expect(error.violations.every(({ description }) => description !== "")).toBe(true);
    expect(asked).toEqual([]);
    const { sessions } = await rpc.sessions.listSessions({ userId: rpc.user.id, showEnded: true });
    expect(sessions).toEqual([signIn.session]);
  });

  test("what it says holds nothing that was sent as a secret", async () => {
    const secret = "s3cret-".repeat(1_000);
    for (const call of [
      rpc.authentication.authenticate({ ...good, password: secret }),
      rpc.sessions.refreshSession({ refreshToken: secret }),
      rpc.tokens.batchIntrospectTokens({ tokens: [secret], maxStaleness: { seconds: 301n } }),
      rpc.tokens.introspectToken({ token: secret, maxStaleness: { seconds: -1n } }),
    ]) {
      expect(JSON.stringify(await errorOf(call))).not.toContain("s3cret");
    }
  });
});

test("what is no token is not active, and no mistake of the caller's", async () => {
  const { tokens } = rpc;
  for (const token of ["", " ", "x".repeat(5_000), "a.b.c"]) {
    expect(await tokens.introspectToken({ token })).toMatchObject({ active: false });
  }
  expect(await tokens.introspectToken({ token: "x", audience: "a".repeat(257) })).toMatchObject({
    active: false,
  });
});
