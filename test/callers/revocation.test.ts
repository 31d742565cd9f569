import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EventService } from "../../src/gen/auth/v1/event_service_pb.ts";
import { ServiceAccountService } from "../../src/gen/auth/v1/service_account_service_pb.ts";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { UserTransferService } from "../../src/gen/auth/v1/user_transfer_service_pb.ts";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { Authority } from "../support/authority.ts";
import { timed } from "../support/wait.ts";
import { type Credential, idOf, type MutualTlsService, startMutualTlsService } from "./mutual-tls.ts";

// What is open when a caller is revoked, on the whole service with its own intervals: issue 10, section 4.

const ops = { caller: idOf("ops"), roles: ["admin"] };
const watcher = { caller: idOf("watcher"), roles: ["admin"] };
/** The promise of the API, and what a slow machine may take besides. */
const withinMs = 5_000 + 3_000;
/** Files are looked at this often. */
const reloadMs = 5_000;

let mtls: MutualTlsService;
beforeAll(async () => {
  mtls = await startMutualTlsService({ callers: [ops, watcher] });
}, 60_000);
afterAll(() => mtls?.[Symbol.asyncDispose]());

/** Watches nothing that happens, with heartbeats as rare as they can be. Returns why the watch has ended. */
async function watch(transport: Transport) {
  const heartbeatInterval = { seconds: 10n };
  const filter = { userId: "00000000-0000-4000-8000-000000000000" };
  const answers = createClient(EventService, transport).watchEvents({ filter, heartbeatInterval });
  const messages = answers[Symbol.asyncIterator]();
  await messages.next();
  const end = async () => {
    for (;;) if ((await messages.next()).done) return "the end";
  };
  const ended = end().catch(
    (error: unknown) => ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? String(error),
  );
  return { ended };
}

test("an import ends after its service account was deleted, and keeps what came before", async () => {
  const accounts = createClient(ServiceAccountService, mtls.grpc({ pair: mtls.certificate(idOf("ops")) }));
  const name = `i-${Date.now()}`;
  const { serviceAccount } = await accounts.createServiceAccount({ name, roles: ["admin"] });
  const id = serviceAccount?.id ?? "";
  const { key } = await accounts.createServiceAccountKey({ serviceAccountId: id });
  const sent: string[] = [];
  async function* messages() {
    for (;;) {
      const username = `${name}-${sent.length}`;
      sent.push(username);
      yield { users: [{ user: { username } }] };
      await sleep(500);
    }
  }
  const importing = createClient(UserTransferService, mtls.grpc({ key }))
    .importUsers(messages())
    .catch((error: unknown) => ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason);
  await expect.poll(() => sent.length, { timeout: 10_000 }).toBeGreaterThan(2);
  await accounts.deleteServiceAccount({ id });
  const { result, ms } = await timed(() => importing);
  expect(result).toBe("CALLER_UNAUTHENTICATED");
  expect(ms).toBeLessThan(withinMs);
  const users = createClient(UserService, mtls.grpc({ pair: mtls.certificate(idOf("ops")) }));
  const first = { identifier: { case: "username" as const, value: sent[0] ?? "" } };
  expect((await users.lookupUser(first)).user).toBeDefined();
}, 60_000);

const transports: [string, (credential: Credential) => Transport][] = [
  ["gRPC", (credential) => mtls.grpc(credential)],
  ["Connect", (credential) => mtls.http(credential)],
];

describe.each(transports)("over %s", (_name, transportOf) => {
  test("a watch ends after its service account was deleted", { timeout: 60_000 }, async () => {
    const accounts = createClient(ServiceAccountService, mtls.grpc({ pair: mtls.certificate(idOf("ops")) }));
    const { serviceAccount } = await accounts.createServiceAccount({
      name: `w-${Date.now()}`,
      roles: ["admin"],
    });
    const id = serviceAccount?.id ?? "";
    const { key } = await accounts.createServiceAccountKey({ serviceAccountId: id });
    const { ended } = await watch(transportOf({ key }));
    await accounts.deleteServiceAccount({ id });
    const { result, ms } = await timed(() => ended);
    expect(result).toBe("CALLER_UNAUTHENTICATED");
    expect(ms).toBeLessThan(withinMs);
  });

  test("a watch ends after a new policy denies it", { timeout: 60_000 }, async () => {
    const { ended } = await watch(transportOf({ pair: mtls.certificate(idOf("watcher")) }));
    mtls.keep("policy.json", JSON.stringify({ callers: [ops] }));
    const { result, ms } = await timed(() => ended);
    expect(result).toBe("PERMISSION_DENIED");
    expect(ms).toBeLessThan(reloadMs + withinMs);
    mtls.keep("policy.json", JSON.stringify({ callers: [ops, watcher] }));
    const users = createClient(UserService, mtls.grpc({ pair: mtls.certificate(idOf("watcher")) }));
    const isBack = () => users.listUsers({}).then(...[() => true, () => false]);
    while (!(await isBack())) await sleep(200);
  });

  test("a watch ends after its authority was removed", { timeout: 60_000 }, async () => {
    const { ended } = await watch(transportOf({ pair: mtls.certificate(idOf("ops")) }));
    mtls.keep("clients.pem", new Authority("clients of tomorrow").pair.cert);
    const { result, ms } = await timed(() => ended);
    expect(result).toBe("CALLER_UNAUTHENTICATED");
    expect(ms).toBeLessThan(reloadMs + withinMs);
    const closed = mtls.service.process.log.filter(({ msg }) => msg === "connection closed");
    expect(closed.at(-1)).toMatchObject({ peer: "127.0.0.1", reason: "certificate no longer trusted" });
    mtls.keep("clients.pem", mtls.authority.pair.cert);
    const url = `${mtls.service.httpUrl}/auth.v1.UserService/ListUsers`;
    const status = () =>
      new Promise((resolve) => {
        const headers = { "content-type": "application/json" };
        const pair = mtls.certificate(idOf("ops"));
        request(
          url,
          { ...pair, method: "POST", headers, agent: false, rejectUnauthorized: false },
          (response) => {
            response.resume();
            resolve(response.statusCode);
          },
        ).end("{}");
      });
    while ((await status()) !== 200) await sleep(200);
  });
});
