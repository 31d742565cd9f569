import { randomBytes, randomUUID } from "node:crypto";
import { Callers } from "../../src/domain/caller/callers.ts";
import type { Peer } from "../../src/domain/caller/peer.ts";
import { Policy } from "../../src/domain/caller/policy.ts";
import { HmacServiceAccountKeys } from "../../src/infrastructure/crypto/hmac-service-account-keys.ts";
import { LazyHeaders } from "../../src/infrastructure/grpc/lazy-headers.ts";
import { createAdmission } from "../../src/interfaces/rpc/interceptors/authorize.ts";
import { permissionsOfMethods } from "../../src/interfaces/rpc/routes.ts";
import { contextOf } from "../../src/interfaces/rpc/rpc-call.ts";
import { aCall } from "../support/calls.ts";
import { InMemoryRepository } from "../support/in-memory-repository.ts";
import type { Effort } from "./effort.ts";
import { type Figure, median, round } from "./figure.ts";

const rounds = 7;
const web = "spiffe://prod.example/ns/shop/sa/web";

/** CPU that finding out who calls and what they may do costs a call: the interceptor, around a method that does nothing. */
export async function authorisation(effort: Effort): Promise<Figure[]> {
  const calls = effort.count(100_000);
  const repository = new InMemoryRepository();
  const keys = new HmacServiceAccountKeys(randomBytes(32));
  const account = { id: randomUUID(), name: "bench", displayName: "", roles: ["admin"] };
  const keyId = randomUUID();
  const { text, digest } = keys.make(keyId);
  await repository.transaction(aCall(), async ({ serviceAccounts }) => {
    await serviceAccounts.insert(account);
    const key = {
      id: keyId,
      accountId: account.id,
      displayName: "",
      creator: "",
      digest,
      expireTime: undefined,
    };
    await serviceAccounts.insertKey(key);
  });
  const policy = Policy.parse({ callers: [{ caller: web, roles: ["admin"] }] }, { methods: new Set() });
  const sidecar = "127.0.0.6";
  const callers = new Callers({
    repository,
    keys,
    policy: () => policy,
    rules: {
      anonymous: false,
      trustDomains: new Set(["prod.example"]),
      isSidecar: ({ address }) => address === sidecar,
    },
    now: Date.now,
    monotonicMs: () => performance.now(),
  });
  const [method] = permissionsOfMethods.keys();
  const run = createAdmission(callers, permissionsOfMethods).authorize(async () => ({}) as never);
  const bare = async (request: unknown) => (async () => request)();

  const address = "192.0.2.1";
  const certificate = {
    fault: undefined,
    trustDomain: "prod.example",
    uris: [web],
    expiresAt: Number.POSITIVE_INFINITY,
  };
  const kinds: Record<string, { peer: Peer; headers: Record<string, string> }> = {
    "a key": { peer: { address, certificate: undefined }, headers: { authorization: `Bearer ${text}` } },
    "a certificate": { peer: { address, certificate }, headers: {} },
    "a forwarded certificate": {
      peer: { address: sidecar, certificate: undefined },
      headers: {
        "x-forwarded-client-cert": `By=spiffe://prod.example/auth;Hash=${"0".repeat(64)};URI=${web}`,
      },
    },
  };
  const figures: Figure[] = [];
  for (const [name, { peer, headers }] of Object.entries(kinds)) {
    const request = () => ({ method, header: new LazyHeaders(headers), contextValues: contextOf(peer) });
    const costs: number[] = [];
    for (let i = 0; i < effort.rounds(rounds); i++) {
      // In turns with a call that asks nobody, whose cost is not the interceptor's.
      const empty = await cpuPerCall(calls, () => bare(request()));
      costs.push((await cpuPerCall(calls, () => run(request() as never))) - empty);
    }
    const cost = median(costs);
    figures.push({
      name: `CPU of authentication and authorisation of a call, by ${name}`,
      value: `${round(cost, 1)} µs`,
      bar: "≤ 15 µs",
      met: cost <= 15,
      detail: `median of ${costs.length}, from ${round(Math.min(...costs), 1)} to ${round(Math.max(...costs), 1)}, of ${calls} calls each`,
    });
  }
  return figures;
}

async function cpuPerCall(calls: number, call: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < calls; i++) await call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}
