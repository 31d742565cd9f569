import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { Authority, type Pair } from "../support/authority.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { errorOf } from "../support/rpc.ts";
import { startService, temporaryFolder } from "../support/service.ts";
import { isThere, testWith } from "../support/tools.ts";
import { Envoy, envoy } from "./envoy.ts";

const trustDomain = "prod.example";
const reader = `spiffe://${trustDomain}/reader`;
const admin = `spiffe://${trustDomain}/admin`;
const policy = {
  callers: [
    { caller: reader, roles: ["reader"] },
    { caller: admin, roles: ["admin"] },
  ],
};

describe("Envoy terminates mutual TLS and forwards the caller's identity", () => {
  const stack = new AsyncDisposableStack();
  const clients = new Authority("clients");
  const servers = new Authority("servers");
  let url: string;

  beforeAll(async () => {
    if (!isThere(envoy)) return;
    const { path } = stack.use(await temporaryFolder());
    const inFolder = async (name: string, text: string) => {
      await writeFile(join(path, name), text);
      return join(path, name);
    };
    const own = servers.issue({ commonName: "localhost", dnsNames: ["localhost"] });
    const database = await createTestDatabase();
    stack.defer(() => database.drop());
    const service = stack.use(
      await startService({
        DATABASE_URL: database.uri,
        AUTH_MIGRATE: "auto",
        AUTH_CALLERS: undefined,
        AUTH_TLS: "mesh",
        AUTH_SIDECARS: "127.0.0.1",
        AUTH_TRUST_DOMAINS: trustDomain,
        AUTH_POLICY_FILE: await inFolder("policy.json", JSON.stringify(policy)),
      }),
    );
    const proxy = stack.use(
      await Envoy.start({
        config: "mtls",
        upstreams: { "auth-1:50051": service.grpcAddress },
        changes: {
          "/etc/envoy/tls.crt": await inFolder("tls.crt", own.cert),
          "/etc/envoy/tls.key": await inFolder("tls.key", own.key),
          "/etc/envoy/clients.pem": await inFolder("clients.pem", clients.pair.cert),
        },
      }),
    );
    url = `https://${proxy.address}`;
  });
  afterAll(() => stack.disposeAsync());

  const usersAs = (pair: Pair | undefined) =>
    createClient(
      UserService,
      createGrpcTransport({ baseUrl: url, nodeOptions: { ca: servers.pair.cert, ...pair } }),
    );
  const certificate = (uri: string, authority = clients) =>
    authority.issue({ commonName: "caller", uris: [uri] });
  const asAdmin = { headers: { "x-forwarded-client-cert": `URI=${admin}` } };

  testWith(envoy, "each caller may do what its own certificate allows", async () => {
    const { user } = await usersAs(certificate(admin)).createUser({ user: { username: "ada" } });
    const found = await usersAs(certificate(reader)).getUser({ id: user!.id });
    expect(found.user).toMatchObject({ username: "ada" });
    const refused = usersAs(certificate(reader)).deleteUser({ id: user!.id });
    expect(await errorOf(refused)).toMatchObject({ code: Code.PermissionDenied });
  });

  testWith(envoy, "a header that the caller has forged is replaced", async () => {
    const forged = usersAs(certificate(reader)).createUser({ user: { username: "eve" } }, asAdmin);
    expect(await errorOf(forged)).toMatchObject({ code: Code.PermissionDenied });
  });

  testWith(envoy, "a certificate of an unknown authority, or none, does not get as far as auth", async () => {
    for (const pair of [certificate(admin, new Authority("strangers")), undefined]) {
      const refused = usersAs(pair).createUser({ user: { username: "eve" } }, asAdmin);
      // Envoy closes the connection, before or after the client's first request.
      expect([Code.Unavailable, Code.Internal]).toContain((await errorOf(refused)).code);
    }
  });

  testWith(envoy, "a caller of another trust domain is unknown", async () => {
    const refused = usersAs(certificate("spiffe://other.example/admin")).listUsers({});
    expect(await errorOf(refused)).toMatchObject({ code: Code.Unauthenticated });
  });
});
