import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthenticationService } from "../../src/gen/auth/v1/authentication_service_pb.ts";
import { TokenService } from "../../src/gen/auth/v1/token_service_pb.ts";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { password } from "../support/services.ts";
import { type Credential, idOf, type MutualTlsService, startMutualTlsService } from "./mutual-tls.ts";

// Grants that are limited to audiences and clients, by the policy of the whole service: issue 11, section 3.

const policy = {
  roles: {
    "shop-login": {
      permissions: ["sessions.begin", "tokens.introspect"],
      audiences: ["development", "orders"],
      clients: ["shop-web", "shop-ios"],
    },
    "orders-login": {
      permissions: ["auth.v1.AuthenticationService/Authenticate"],
      audiences: ["orders"],
    },
  },
  callers: [
    { caller: idOf("ops"), roles: ["admin"] },
    { caller: idOf("shop"), roles: ["shop-login"], audiences: ["development"] },
    { caller: idOf("orders"), roles: ["orders-login"], clients: ["console"] },
    { caller: idOf("orders-api"), roles: ["verifier"], audiences: ["orders"] },
  ],
};

let mtls: MutualTlsService;
beforeAll(async () => {
  mtls = await startMutualTlsService(policy);
  const users = createClient(UserService, mtls.grpc({ pair: mtls.certificate(idOf("ops")) }));
  await users.createUser({ user: { username: "ada" }, password });
}, 60_000);
afterAll(() => mtls?.[Symbol.asyncDispose]());

const ports: [string, (credential: Credential) => Transport][] = [
  ["gRPC", (credential) => mtls.grpc(credential)],
  ["HTTP", (credential) => mtls.http(credential)],
];

describe.each(ports)("on the %s port", (_name, transportOf) => {
  const as = (caller: string) => transportOf({ pair: mtls.certificate(idOf(caller)) });
  const begin = async (caller: string, audience: string, client: string) => {
    const authentication = createClient(AuthenticationService, as(caller));
    const asked = { identifier: "ada", password, audience, client: { id: client } };
    const { tokens } = await authentication.authenticate(asked);
    return tokens?.accessToken ?? "";
  };
  const outcome = (begun: Promise<string>) =>
    begun.then(
      () => "let in",
      (error: unknown) => {
        const { code } = ConnectError.from(error);
        return `${Code[code]} ${ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason}`;
      },
    );
  const denied = "PermissionDenied OUT_OF_SCOPE";

  test.each([
    ["shop", "development", "shop-web", "let in"],
    ["shop", "development", "shop-ios", "let in"],
    ["shop", "development", "payments-admin-console", denied],
    ["shop", "orders", "shop-web", denied],
    ["shop", "nowhere", "shop-web", denied],
    ["orders", "orders", "console", "let in"],
    ["orders", "orders", "shop-web", denied],
    ["orders", "development", "console", denied],
    ["ops", "orders", "payments-admin-console", "let in"],
    ["ops", "nowhere", "shop-web", "InvalidArgument AUDIENCE_UNKNOWN"],
  ])("%s begins a session for %s with %s: %s", async (caller, audience, client, expected) => {
    expect(await outcome(begin(caller, audience, client))).toBe(expected);
  });

  test("a token of another audience is as inactive as one that is none", async () => {
    const tokens = [await begin("ops", "orders", "web"), await begin("ops", "development", "web"), "none"];
    const introspect = createClient(TokenService, as("orders-api"));
    const { results } = await introspect.batchIntrospectTokens({ tokens });
    expect(results.map(({ active }) => active)).toEqual([true, false, false]);
    expect(results[1]).toEqual(results[2]);
    expect(await introspect.introspectToken({ token: tokens[1] ?? "" })).toEqual(
      await introspect.introspectToken({ token: "none" }),
    );
    // The audience that a caller names does not widen what it may ask about.
    const named = { token: tokens[1] ?? "", audience: "development" };
    expect((await introspect.introspectToken(named)).active).toBe(false);
    expect((await introspect.getJwks({})).keys).not.toEqual([]);
  });
});
