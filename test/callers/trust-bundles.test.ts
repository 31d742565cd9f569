import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { Authority, type Pair } from "../support/authority.ts";
import { temporaryFolder } from "../support/service.ts";
import { type Credential, type MutualTlsService, startMutualTlsService } from "./mutual-tls.ts";

// Two trust domains, each with the CA bundle of its own, on the whole service: issue 11, section 3.

const rootA = new Authority("root of a");
const rootB = new Authority("root of b");
const middleA = rootA.intermediate("middle of a");
const lowerA = middleA.intermediate("lower of a");
const crossed = rootA.intermediate("crossed");
const admin = (domain: string) => `spiffe://${domain}/ns/ops/sa/admin`;
const adminOfA = { commonName: "admin", uris: [admin("a.example")] };
const adminOfB = { commonName: "admin", uris: [admin("b.example")] };
const presenting = ({ cert, key }: Pair, ...presented: readonly string[]): Pair => ({
  cert: [cert, ...presented].join(""),
  key,
});

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let mtls: MutualTlsService;
const bundle = (name: string, ...authorities: readonly Authority[]) => {
  const file = join(folder.path, `${name}.pem`);
  writeFileSync(file, authorities.map(({ pair }) => pair.cert).join(""));
  return file;
};
beforeAll(async () => {
  folder = await temporaryFolder();
  mtls = await startMutualTlsService(
    { callers: ["a.example", "b.example"].map((domain) => ({ caller: admin(domain), roles: ["admin"] })) },
    {
      AUTH_CLIENT_CA_FILE: undefined,
      AUTH_TRUST_DOMAINS: `a.example=${bundle("a", rootA)},b.example=${bundle("b", rootB)}`,
    },
  );
}, 60_000);
afterAll(async () => {
  await mtls?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** What becomes of a call: "let in", or why not. */
async function outcome(transport: Transport): Promise<string> {
  return createClient(UserService, transport)
    .listUsers({})
    .then(
      () => "let in",
      (error: unknown) => ConnectError.from(error).rawMessage,
    );
}

const ports: [string, (credential: Credential) => Transport][] = [
  ["gRPC", (credential) => mtls.grpc(credential)],
  ["HTTP", (credential) => mtls.http(credential)],
];

describe.each(ports)("on the %s port", (_name, transportOf) => {
  test.each<[string, Pair]>([
    ["its root has signed it", rootA.issue(adminOfA)],
    ["the root of another domain has signed it for that domain", rootB.issue(adminOfB)],
    [
      "it presents its intermediates",
      presenting(lowerA.issue(adminOfA), lowerA.pair.cert, middleA.pair.cert),
    ],
    [
      "it presents them in any order, and others",
      presenting(lowerA.issue(adminOfA), rootB.pair.cert, middleA.pair.cert, lowerA.pair.cert),
    ],
  ])("a caller is let in if %s", async (_what, pair) => {
    expect(await outcome(transportOf({ pair }))).toBe("let in");
  });

  test.each<[string, Pair, RegExp]>([
    ["the root of b has signed a name of a", rootB.issue(adminOfA), /not signed by a CA of a\.example/],
    [
      "an intermediate of a has signed a name of b",
      presenting(lowerA.issue(adminOfB), lowerA.pair.cert, middleA.pair.cert),
      /not signed by a CA of b\.example/,
    ],
    [
      "it presents a root of its name, which is not in the bundle",
      presenting(rootA.issue(adminOfB), rootB.pair.cert),
      /not signed by a CA of b\.example/,
    ],
    [
      "the roots of both domains have signed its authority",
      presenting(crossed.issue(adminOfB), crossed.pair.cert, rootB.certify(crossed)),
      /leads to CAs of several trust domains \(a\.example, b\.example\)/,
    ],
    ["no root has signed it", new Authority("root of a").issue(adminOfA), /is not trusted/],
  ])("a caller is refused if %s", async (_what, pair, message) => {
    expect(await outcome(transportOf({ pair }))).toMatch(message);
  });
});

test("a new authority holds for its own trust domain", { timeout: 60_000 }, async () => {
  const next = new Authority("next root of b");
  const pairs = [next.issue(adminOfB), next.issue(adminOfA), rootB.issue(adminOfB)];
  const outcomes = () => Promise.all(pairs.map((pair) => outcome(mtls.grpc({ pair }))));
  expect((await outcomes())[0]).toMatch(/is not trusted/);
  bundle("b", next);
  while ((await outcomes())[0] !== "let in") await sleep(200);
  const [, ofA, before] = await outcomes();
  expect(ofA).toMatch(/not signed by a CA of a\.example/);
  expect(before).toMatch(/is not trusted/);
  bundle("b", next, rootB);
  while ((await outcomes())[2] !== "let in") await sleep(200);
});

test("an authority in the bundles of two domains is refused, and the old bundles stay", {
  timeout: 60_000,
}, async () => {
  const shared = new Authority("shared");
  bundle("a", rootA, shared);
  while (!(await outcome(mtls.grpc({ pair: shared.issue(adminOfA) }))).startsWith("let in")) await sleep(200);
  bundle("b", rootB, shared);
  const { err } = await mtls.service.process.logged(
    "cannot reload TLS files; the previous version stays in use",
  );
  expect(JSON.stringify(err)).toMatch(/the CA \\"CN=shared\\" is also in .*a\.pem for a\.example; give each/);
  expect(await outcome(mtls.grpc({ pair: shared.issue(adminOfB) }))).toMatch(/not signed by a CA of b/);
});
