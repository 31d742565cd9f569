import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import type { Peer, PeerCertificate } from "../../../src/domain/caller/peer.ts";
import { Policy } from "../../../src/domain/caller/policy.ts";
import { ErrorInfoSchema } from "../../../src/gen/google/rpc/error_details_pb.ts";
import { createAdmission, reflectionGuard } from "../../../src/interfaces/rpc/interceptors/authorize.ts";
import { logCalls } from "../../../src/interfaces/rpc/interceptors/log-calls.ts";
import { defaultReauthorisationTimes } from "../../../src/interfaces/rpc/interceptors/reauthorise.ts";
import { contextOf } from "../../../src/interfaces/rpc/rpc-call.ts";
import { EchoService } from "../../gen/echo/v1/echo_service_pb.ts";
import { aCall } from "../../support/calls.ts";
import { type EchoHandlers, serveGrpc, serveHttp } from "../../support/echo-server.ts";
import { knownCallers } from "../../support/known-callers.ts";
import { ReflectionClient } from "../../support/reflection-client.ts";
import { abortOf, never, timed, until } from "../../support/wait.ts";

// A stream that is open when its caller is revoked: issue 10, section 4.

const times = { everyMs: 60, maxAgeMs: 20, maxUndecidedMs: 600 };
/** On a machine that has much else to do. */
const slowMachineMs = 1_500;

const web = "spiffe://prod.example/web";

type Known = Awaited<ReturnType<typeof knownCallers>>;
type Key = Awaited<ReturnType<Known["makeKey"]>>;

/** Serves the EchoService to known callers. `ends` are the reasons of the handlers' signals. */
async function serve(
  known: Known,
  protocol: "gRPC" | "Connect" | "gRPC-Web",
  options = times,
  certificate?: PeerCertificate,
) {
  const ends: unknown[] = [];
  const hang = (signal: AbortSignal) => {
    void abortOf(signal).then((reason) => ends.push(reason));
    return never();
  };
  const handlers: EchoHandlers = {
    async *repeat({ text }, { signal }) {
      yield { text };
      await hang(signal);
    },
    async join(requests, { signal }) {
      void hang(signal);
      for await (const _ of requests);
      return never();
    },
    async *talk(requests, { signal }) {
      void hang(signal);
      for await (const { text } of requests) yield { text };
    },
  };
  const permissions = new Map(EchoService.methods.map((method) => [method, "users.list" as const]));
  const { authorize } = createAdmission(known.callers, permissions, options);
  const log: Record<string, unknown>[] = [];
  const note = (line: object) => void log.push({ ...line });
  const serving = {
    interceptors: [logCalls({ info: note, warn: note, error: note }), authorize],
    contextOf: (peer: Peer) => contextOf({ ...peer, certificate }),
    options: { maxTimeoutMs: 20_000, maxStreamMs: 20_000 },
  };
  const { address } = await (protocol === "gRPC" ? serveGrpc : serveHttp)(handlers, serving);
  const baseUrl = `http://${address}`;
  const clientWith = ({ authorization }: Partial<Key>) => {
    const withKey: Interceptor = (next) => (request) => {
      if (authorization !== undefined) request.header.set("authorization", authorization);
      return next(request);
    };
    const settings = { baseUrl, interceptors: [withKey] };
    if (protocol === "gRPC") return createClient(EchoService, createGrpcTransport(settings));
    const create = protocol === "Connect" ? createConnectTransport : createGrpcWebTransport;
    return createClient(EchoService, create({ ...settings, httpVersion: "1.1" }));
  };
  return { clientWith, ends, log };
}

async function outcome(answers: AsyncIterable<unknown>) {
  try {
    for await (const _ of answers);
  } catch (error) {
    const { code } = ConnectError.from(error);
    return { code, reason: ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason };
  }
  return { code: undefined, reason: undefined };
}

async function* untilForever() {
  yield { text: "x" };
  await never();
}

const unauthenticated = { code: Code.Unauthenticated, reason: "CALLER_UNAUTHENTICATED" };
const permissionDenied = { code: Code.PermissionDenied, reason: "PERMISSION_DENIED" };

const revocations: [string, (known: Known, key: Key) => unknown, object][] = [
  ["its key was disabled", ({ accounts }, { id }) => accounts.disableKey(aCall(), id), unauthenticated],
  ["its key was deleted", ({ accounts }, { id }) => accounts.deleteKey(aCall(), id), unauthenticated],
  [
    "its account was disabled",
    ({ accounts, account }) => accounts.disable(aCall(), account.id),
    unauthenticated,
  ],
  [
    "its account was deleted",
    ({ accounts, account }) => accounts.delete(aCall(), account.id),
    unauthenticated,
  ],
  [
    "its account lost the role",
    ({ accounts, account: { id } }) =>
      accounts.update(aCall(), { id, displayName: "", roles: ["verifier"], etag: undefined }),
    permissionDenied,
  ],
];

describe.each(["gRPC", "Connect", "gRPC-Web"] as const)("over %s", (protocol) => {
  test.each(revocations)("a silent stream ends once %s", async (_why, revoke, expected) => {
    const known = await knownCallers();
    const key = await known.makeKey();
    const { clientWith, ends, log } = await serve(known, protocol);
    const ended = outcome(clientWith(key).repeat({ text: "x" }));
    await until(() => known.repository.reads > 2);
    await revoke(known, key);
    const { result, ms } = await timed(() => ended);
    expect(result).toEqual(expected);
    expect(ms).toBeLessThan(times.everyMs + times.maxAgeMs + slowMachineMs);
    await until(() => ends.length === 1);
    expect(log.map(({ code }) => code)).toEqual([
      expected === unauthenticated ? "UNAUTHENTICATED" : "PERMISSION_DENIED",
    ]);
  });

  test("a stream goes on while nothing has changed", async () => {
    const known = await knownCallers();
    const { clientWith } = await serve(known, protocol);
    const ended = outcome(clientWith(await known.makeKey()).repeat({ text: "x" }));
    expect(await Promise.race([ended, sleep(times.everyMs * 8, "still open")])).toBe("still open");
  });

  test("a key that expires ends its stream", async () => {
    const known = await knownCallers();
    const key = await known.makeKey(new Date(Date.now() + 700));
    const { clientWith } = await serve(known, protocol);
    expect(await outcome(clientWith(key).repeat({ text: "x" }))).toEqual(unauthenticated);
  });
});

const policyFor = (role: string) =>
  Policy.parse({ callers: [{ caller: web, roles: [role] }] }, { methods: new Set() });

const withdrawals: [
  string,
  (known: Known, certificate: { fault?: string; expiresAt: number }) => void,
  object,
][] = [
  ["a new policy denies it", (known) => void known.setPolicy(policyFor("verifier")), permissionDenied],
  [
    "its certificate is no longer trusted",
    (_known, certificate) => void Object.assign(certificate, { fault: "unknown authority" }),
    unauthenticated,
  ],
  [
    "its certificate has expired",
    (_known, certificate) => void Object.assign(certificate, { expiresAt: Date.now() }),
    unauthenticated,
  ],
];

test.each(withdrawals)(
  "the stream of a client certificate ends once %s",
  async (_why, withdraw, expected) => {
    const known = await knownCallers();
    known.setPolicy(policyFor("admin"));
    const certificate = {
      fault: undefined,
      trustDomain: "prod.example",
      uris: [web],
      expiresAt: Number.POSITIVE_INFINITY,
    };
    const { clientWith } = await serve(known, "gRPC", times, certificate);
    const ended = outcome(clientWith({}).repeat({ text: "x" }));
    await sleep(times.everyMs * 3);
    withdraw(known, certificate as never);
    expect(await ended).toEqual(expected);
  },
);

test.each(["gRPC", "Connect"] as const)("over %s an upload ends too", async (protocol) => {
  const known = await knownCallers();
  const key = await known.makeKey();
  const { clientWith, ends } = await serve(known, protocol);
  // Over HTTP/1.1 fetch sends the body as it comes, and the answer may come before its end.
  const { join } = clientWith(key);
  const ended = join(untilForever()).catch((error: unknown) => ConnectError.from(error).code);
  await until(() => known.repository.reads > 2);
  await known.accounts.delete(aCall(), known.account.id);
  await until(() => ends.length === 1);
  if (protocol === "gRPC") expect(await ended).toBe(Code.Unauthenticated);
});

test("over gRPC a conversation ends too", async () => {
  const known = await knownCallers();
  const { clientWith, ends } = await serve(known, "gRPC");
  const ended = outcome(clientWith(await known.makeKey()).talk(untilForever()));
  await until(() => known.repository.reads > 2);
  await known.accounts.disable(aCall(), known.account.id);
  expect(await ended).toEqual(unauthenticated);
  await until(() => ends.length === 1);
});

describe("without the database", () => {
  test("a stream outlives an outage that is short", async () => {
    const known = await knownCallers();
    const { clientWith } = await serve(known, "gRPC");
    const ended = outcome(clientWith(await known.makeKey()).repeat({ text: "x" }));
    await until(() => known.repository.reads > 2);
    for (let outage = 0; outage < 3; outage++) {
      known.repository.isAway = true;
      await sleep(times.maxUndecidedMs / 2);
      known.repository.isAway = false;
      await sleep(times.everyMs * 3);
    }
    expect(await Promise.race([ended, sleep(times.everyMs * 2, "still open")])).toBe("still open");
    await known.accounts.delete(aCall(), known.account.id);
    expect(await ended).toEqual(unauthenticated);
  });

  test("a stream ends when it was not authorised again for too long", async () => {
    const known = await knownCallers();
    const { clientWith } = await serve(known, "gRPC");
    const ended = outcome(clientWith(await known.makeKey()).repeat({ text: "x" }));
    await until(() => known.repository.reads > 2);
    known.repository.isAway = true;
    const { result, ms } = await timed(() => ended);
    expect(result.code).toBe(Code.Unavailable);
    expect(ms).toBeGreaterThan(times.maxUndecidedMs - times.everyMs - 50);
    expect(ms).toBeLessThan(times.maxUndecidedMs + times.everyMs + slowMachineMs);
  });
});

test("1,000 streams of one key share its lookups", async () => {
  const known = await knownCallers();
  const options = { everyMs: 100, maxAgeMs: 400, maxUndecidedMs: 5_000 };
  const { clientWith } = await serve(known, "gRPC", options);
  const client = clientWith(await known.makeKey());
  const streams = Array.from({ length: 1_000 }, () => client.repeat({ text: "x" })[Symbol.asyncIterator]());
  await Promise.all(streams.map((stream) => stream.next()));
  const before = known.repository.reads;
  const { ms } = await timed(() => sleep(2_000));
  expect(known.repository.reads - before).toBeLessThanOrEqual(Math.ceil(ms / options.maxAgeMs) + 1);
  expect(known.repository.reads - before).toBeGreaterThan(1);
});

test("a revocation is seen within five seconds, of which a lookup may take one", () => {
  const { everyMs, maxAgeMs, maxUndecidedMs } = defaultReauthorisationTimes;
  expect(everyMs + maxAgeMs + 1_000).toBeLessThanOrEqual(5_000);
  expect(maxUndecidedMs).toBe(30_000);
});

describe.each(["v1", "v1alpha"] as const)("reflection %s", (version) => {
  const open = async (known: Known) => {
    const guard = reflectionGuard(known.callers, times);
    const { address } = await serveGrpc({}, { reflection: { guard }, contextOf });
    const { authorization } = await known.makeKey();
    const stream = new ReflectionClient(address, version).open({ authorization });
    const ended = new Promise((resolve) => stream.once("status", resolve));
    stream.write({ listServices: "" });
    await new Promise((resolve) => stream.once("data", resolve));
    return { stream, ended };
  };

  test.each(revocations)("ends once %s", async (_why, revoke, { code }: { code?: Code }) => {
    const known = await knownCallers();
    const { ended } = await open(known);
    const [key] = await known.accounts.listKeys(aCall(), known.account.id);
    await revoke(known, { id: key!.id, authorization: "" });
    expect(await ended).toMatchObject({ code });
  });

  test("is not checked once it has ended", async () => {
    const known = await knownCallers();
    const { stream, ended } = await open(known);
    stream.end();
    expect(await ended).toMatchObject({ code: 0 });
    await sleep(times.everyMs);
    const before = known.repository.reads;
    await sleep(times.everyMs * 5);
    expect(known.repository.reads).toBe(before);
  });
});
