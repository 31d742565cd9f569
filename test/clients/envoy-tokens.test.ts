import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { figure } from "../support/figures.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { type RunningService, startService } from "../support/service.ts";
import { password } from "../support/services.ts";
import { testWith } from "../support/tools.ts";
import { Envoy, envoy } from "./envoy.ts";

const rotations = 3;
/** The quickest rotation that auth allows: each key signs for three seconds. */
const quickRotation = {
  AUTH_JWKS_MAX_AGE: "1s",
  AUTH_SIGNING_KEY_ROTATION: "3s",
  AUTH_ACCESS_TOKEN_LIFETIME: "4s",
};

describe("Envoy's jwt_authn with the published keys", () => {
  testWith(
    envoy,
    `accepts every valid token over ${rotations} rotations, and no other`,
    async () => {
      const database = await createTestDatabase();
      await using stack = new AsyncDisposableStack();
      stack.defer(() => database.drop());
      const service = stack.use(
        await startService({
          DATABASE_URL: database.uri,
          AUTH_MIGRATE: "auto",
          AUTH_ISSUER: "https://auth.example.com",
          AUTH_AUDIENCES: "orders,invoices",
          ...quickRotation,
        }),
      );
      const orders = stack.use(await startOrders());
      const proxy = stack.use(
        await Envoy.start({
          config: "tokens",
          upstreams: { "orders:8080": orders.address, "auth-1:8080": new URL(service.httpUrl).host },
          changes: { "cache_duration: 150s": "cache_duration: 1s" },
        }),
      );
      const ask = async (token: string) => {
        const response = await fetch(`http://${proxy.address}/`, {
          headers: { authorization: `Bearer ${token}`, "x-user-id": "forged" },
        });
        return { status: response.status, body: await response.text() };
      };

      const userOf = await signUp(service);
      const kids = new Set<string | undefined>();
      let asked = 0;
      for (; kids.size <= rotations; asked++) {
        const token = await userOf("orders");
        kids.add(decodeProtectedHeader(token).kid);
        // The service behind Envoy reads the user's id from a header that callers cannot set.
        expect(await ask(token)).toEqual({ status: 200, body: decodeJwt(token).sub });
        await sleep(50);
      }
      figure("jwt_authn over key rotations", { rotations, "tokens accepted": asked });

      const good = await userOf("orders");
      const [header, claims, signature] = good.split(".");
      const forged = Buffer.from(JSON.stringify({ ...decodeJwt(good), sub: "x" })).toString("base64url");
      expect(await ask(good)).toMatchObject({ status: 200 });
      expect(await ask(await userOf("invoices"))).toMatchObject({ status: 403 });
      expect(await ask(`${header}.${forged}.${signature}`)).toMatchObject({ status: 401 });
      expect(await ask(`${header}.${claims}.`)).toMatchObject({ status: 401 });
      expect((await fetch(`http://${proxy.address}/`)).status).toBe(401);
      // Envoy accepts the token until it expires, and for at most five seconds more.
      while ((await ask(good)).status === 200) await sleep(200);
      expect(Date.now() / 1_000).toBeGreaterThan(decodeJwt(good).exp!);
      expect(await ask(good)).toMatchObject({ status: 401 });
    },
    120_000,
  );
});

/** Creates a user. Returns a function that signs in as that user and returns an access token for an audience. */
async function signUp(service: RunningService): Promise<(audience: string) => Promise<string>> {
  const { users, authentication } = grpcClients(service);
  await users.createUser({ user: { username: "ada" }, password });
  return async (audience) => {
    const answer = await authentication.authenticate({
      identifier: "ada",
      password,
      audience,
      client: { id: "web" },
    });
    return answer.tokens!.accessToken;
  };
}

/** The service behind Envoy, which answers with the user that Envoy names. */
async function startOrders(): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer((request, response) => response.end(request.headers["x-user-id"]));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
