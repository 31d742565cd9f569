import { setTimeout as sleep } from "node:timers/promises";
import type { DescMethod, DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServiceAccountService } from "../../src/gen/auth/v1/service_account_service_pb.ts";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { permissionsOfMethods, serviceDescriptors } from "../../src/interfaces/rpc/routes.ts";
import { Authority } from "../support/authority.ts";
import {
  allBut,
  type Credential,
  idOf,
  type MutualTlsService,
  only,
  policyOfEach,
  startMutualTlsService,
} from "./mutual-tls.ts";

// Every method of the API, on both ports, with everything that a caller can show of itself.

/** "cut off": whatever ended the call, it was not this service's answer. */
type Verdict = "CALLER_UNAUTHENTICATED" | "PERMISSION_DENIED" | "let in" | "cut off";

const methods: readonly DescMethod[] = serviceDescriptors.flatMap((service) => service.methods);
let mtls: MutualTlsService;
const keys = new Map<string, string>();

beforeAll(async () => {
  mtls = await startMutualTlsService(policyOfEach());
  const ops = { pair: mtls.certificate(idOf("ops")) };
  const accounts = createClient(ServiceAccountService, mtls.grpc(ops));
  const account = async (name: string, roles: string[]) =>
    (await accounts.createServiceAccount({ name, roles })).serviceAccount?.id ?? "";
  const keyOf = async (serviceAccountId: string, changes: object = {}) => {
    const made = await accounts.createServiceAccountKey({ serviceAccountId, ...changes });
    return { id: made.serviceAccountKey?.id ?? "", key: made.key };
  };
  const [admin, closed, gone] = [
    await account("admin", ["admin"]),
    await account("closed", ["admin"]),
    await account("gone", ["admin"]),
  ];
  keys.set("good", (await keyOf(admin)).key);
  keys.set(
    "of a role without the permission",
    (await keyOf(await account("none", ["only-reflection-use"]))).key,
  );
  const disabled = await keyOf(admin);
  const deleted = await keyOf(admin);
  keys.set("disabled", disabled.key).set("deleted", deleted.key);
  keys
    .set("of a disabled account", (await keyOf(closed)).key)
    .set("of a deleted account", (await keyOf(gone)).key);
  keys.set("expired", (await keyOf(admin, { expireTime: timestampFromMs(Date.now() + 1_000) })).key);
  // Each was good once, so that it has been remembered.
  for (const key of keys.values())
    await accountsWith(key)
      .listServiceAccounts({})
      .catch(() => {});
  await accounts.disableServiceAccountKey({ id: disabled.id });
  await accounts.deleteServiceAccountKey({ id: deleted.id });
  await accounts.disableServiceAccount({ id: closed });
  await accounts.deleteServiceAccount({ id: gone });
  // The key that expires in a second.
  await sleep(1_500);
}, 60_000);
afterAll(() => mtls?.[Symbol.asyncDispose]());

const accountsWith = (key: string) => createClient(ServiceAccountService, mtls.grpc({ key }));
const certified = (uri: string, changes = {}) => ({ pair: mtls.certificate(uri, changes) });
const ops = idOf("ops");

const refused: Record<string, () => Credential> = {
  "no certificate": () => ({}),
  "another authority's": () => ({ pair: new Authority("others").issue({ commonName: "x", uris: [ops] }) }),
  "a self-signed one": () => ({ pair: new Authority("x").pair }),
  "an expired one": () => certified(ops, { endsIn: -1_000 }),
  "one that is not good yet": () => certified(ops, { startsIn: 3_600_000 }),
  "one of an authority": () => certified(ops, { authority: true }),
  "one without a URI": () => certified(ops, { uris: [] }),
  "one with a DNS name only": () => certified(ops, { uris: [], dnsNames: [ops] }),
  "one with two URIs": () => certified(ops, { uris: [ops, ops] }),
  "one with a URI that holds another": () => certified(`${ops}, URI:${ops}`),
  "one of another trust domain": () => certified(ops.replace("prod.example", "dev.example")),
  "one with an ID in other letters": () => certified(ops.replace("spiffe", "SPIFFE")),
  "a truncated key": () => ({ key: keys.get("good")?.slice(0, -1) }),
  "a key with a wrong checksum": () => ({
    key: keys.get("good")?.replace(/.$/, (last) => (last === "a" ? "b" : "a")),
  }),
  "a key of nobody": () => ({ key: `auth_sa_${"0".repeat(70)}` }),
  "an access token": () => ({ key: "eyJhbGciOiJFUzI1NiJ9.e30.x" }),
  "a disabled key": () => ({ key: keys.get("disabled") }),
  "a deleted key": () => ({ key: keys.get("deleted") }),
  "an expired key": () => ({ key: keys.get("expired") }),
  "a key of a disabled account": () => ({ key: keys.get("of a disabled account") }),
  "a key of a deleted account": () => ({ key: keys.get("of a deleted account") }),
  "a bad key and a good certificate": () => ({ ...certified(ops), key: keys.get("deleted") }),
};

const denied: Record<string, (permission: string) => Credential> = {
  "an ID that no rule names": () => certified(idOf("stranger")),
  "an ID that begins like one of a rule": () => certified(`${ops}/x`),
  "an ID that may do everything else": (permission) => certified(allBut(permission)),
  "a key of a role without the permission": () => ({ key: keys.get("of a role without the permission") }),
};

const letIn: Record<string, (permission: string) => Credential> = {
  "an admin's certificate": () => certified(ops),
  "an ID that may do this alone": (permission) => certified(only(permission)),
  "an admin's key": () => ({ key: keys.get("good") }),
};

/** With the believed authority's name, but not its key. */
const impostor = () => ({ pair: new Authority("clients").issue({ commonName: "x", uris: [ops] }) });

describe.each(["grpc", "http"] as const)("on the %s port", (listener) => {
  const tableOf = async (credentialOf: (permission: string) => Credential) => {
    // One connection for each credential: callers keep theirs, too.
    const transports = new Map<string, Transport>();
    const rows = [];
    for (const method of methods) {
      const permission = permissionsOfMethods.get(method) ?? "";
      const known = transports.get(permission) ?? mtls[listener](credentialOf(permission));
      transports.set(permission, known);
      rows.push([method.name, await verdictOver(known, method)]);
    }
    return rows;
  };
  const all = (verdict: Verdict) => methods.map(({ name }) => [name, verdict]);

  test.each(Object.entries(refused))("%s: nobody", { timeout: 60_000 }, async (_name, credential) => {
    const same = credential();
    expect(await tableOf(() => same)).toEqual(all("CALLER_UNAUTHENTICATED"));
  });

  test("another authority's of the same name: nobody, or not even a connection", async () => {
    // After a signature that does not fit, Node sometimes ends an HTTP/2 session, before it has read a call.
    const same = impostor();
    const verdicts = new Set((await tableOf(() => same)).map(([, verdict]) => verdict));
    for (const verdict of verdicts) expect(["CALLER_UNAUTHENTICATED", "cut off"]).toContain(verdict);
  });

  test.each(Object.entries(denied))(
    "%s: somebody who may not",
    { timeout: 60_000 },
    async (_name, credential) => {
      const rows = await tableOf(credential);
      const expected = methods.map((method) => {
        const mayUse = permissionsOfMethods.get(method) === "reflection.use";
        return [method.name, mayUse ? "let in" : "PERMISSION_DENIED"];
      });
      expect(rows).toEqual(expected);
    },
  );

  test.each(Object.entries(letIn))("%s: somebody who may", { timeout: 60_000 }, async (_name, credential) => {
    expect(await tableOf(credential)).toEqual(all("let in"));
  });
});

/** What becomes of a call without content. Whatever a handler or the schema says of it, it was let in. */
async function verdictOver(transport: Transport, method: DescMethod): Promise<Verdict> {
  try {
    await callOver(transport, method);
    return "let in";
  } catch (error) {
    const [info] = ConnectError.from(error).findDetails(ErrorInfoSchema);
    if (info === undefined) return "cut off";
    return info.reason === "CALLER_UNAUTHENTICATED" || info.reason === "PERMISSION_DENIED"
      ? info.reason
      : "let in";
  }
}

async function callOver(transport: Transport, method: DescMethod): Promise<void> {
  const signal = AbortSignal.timeout(5_000);
  if (method.methodKind === "unary") {
    await transport.unary(method as DescMethodUnary, signal, undefined, undefined, {} as never);
    return;
  }
  const none = async function* () {};
  const one = async function* () {
    yield {} as never;
  };
  const input = method.methodKind === "server_streaming" ? one() : none();
  const { message } = await transport.stream(
    method as DescMethodStreaming,
    signal,
    undefined,
    undefined,
    input as never,
  );
  // The first message is enough: a watch has no end.
  for await (const _ of message) return;
}
