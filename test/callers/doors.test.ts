import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServiceAccountService } from "../../src/gen/auth/v1/service_account_service_pb.ts";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { startService, temporaryFolder } from "../support/service.ts";
import { shell } from "../support/shell.ts";
import { testWith } from "../support/tools.ts";
import { type Credential, idOf, type MutualTlsService, startMutualTlsService } from "./mutual-tls.ts";

const ops = { caller: idOf("ops"), roles: ["admin"] };
const reader = { caller: idOf("reader"), roles: ["reader"] };

async function reasonOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "let in",
    (error: unknown) => ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? String(error),
  );
}

describe("with client certificates", () => {
  let mtls: MutualTlsService;
  const asOps = (): Credential => ({ pair: mtls.certificate(idOf("ops")) });
  const asReader = (): Credential => ({ pair: mtls.certificate(idOf("reader")) });
  const listUsers = (credential: Credential) =>
    reasonOf(createClient(UserService, mtls.grpc(credential)).listUsers({}));
  const flags = (credential: Credential) => {
    const { cert = "", key = "" } = credential.pair ?? {};
    const files = `-cert ${mtls.keep("client.crt", cert)} -key ${mtls.keep("client.key", key)}`;
    return `-cacert ${mtls.serverCaFile} ${credential.pair === undefined ? "" : files}`;
  };

  const getText = (path: string) =>
    new Promise<string>((resolve, reject) => {
      get(`${mtls.service.httpUrl}${path}`, { ca: readFileSync(mtls.serverCaFile) }, (response) => {
        text(response).then(resolve, reject);
      }).on("error", reject);
    });

  beforeAll(async () => {
    mtls = await startMutualTlsService({ callers: [ops, reader] });
  }, 60_000);
  afterAll(() => mtls?.[Symbol.asyncDispose]());

  test("the log says who called", async () => {
    await listUsers(asReader());
    await listUsers({});
    const lines = () =>
      mtls.service.process.log.filter(({ method }) => method === "auth.v1.UserService/ListUsers");
    // A call may be answered before its line has come through the pipe.
    await expect
      .poll(() => lines().map(({ caller, code }) => [caller, code]))
      .toEqual([
        [idOf("reader"), "OK"],
        ["unknown", "UNAUTHENTICATED"],
      ]);
  });

  test("a new policy holds from the moment it is read, and one that is none changes nothing", async () => {
    const write = (policy: unknown) => writeFileSync(mtls.policyFile, JSON.stringify(policy));
    expect(await listUsers(asReader())).toBe("let in");
    write({ callers: [ops] });
    await mtls.service.process.logged("reloaded policy");
    expect(await listUsers(asReader())).toBe("PERMISSION_DENIED");
    write({ callers: [{ ...reader, roles: ["raeder"] }] });
    const line = await mtls.service.process.logged("cannot reload policy; the previous version stays in use");
    expect(JSON.stringify(line)).toContain('unknown role \\"raeder\\"');
    expect(await listUsers(asOps())).toBe("let in");
    const readiness = () => getText("/readyz");
    expect(await readiness()).toMatch(/^ok\nwarning: the policy file is invalid .*; see the log\n$/);
    // Another fault, and at every look a line: an operator may come later than the first.
    writeFileSync(mtls.policyFile, `{"callers": [], "callers": ${JSON.stringify([ops])}}`);
    const faults = () =>
      mtls.service.process.log.filter(
        ({ msg, err }) =>
          String(msg).startsWith("cannot reload policy") &&
          JSON.stringify(err).includes('duplicate key \\"callers\\"'),
      );
    while (faults().length < 2) await sleep(100);
    write({ callers: [ops, reader] });
    for (let tries = 0; tries < 100 && (await listUsers(asReader())) !== "let in"; tries++) await sleep(100);
    expect(await listUsers(asReader())).toBe("let in");
    expect(await readiness()).toBe("ok\n");
  }, 60_000);

  testWith("grpcurl", "grpcurl: health is open, and reflection is for who was granted it", async () => {
    const { grpcAddress } = mtls.service;
    const check = await shell(
      `grpc-health-probe -addr=${grpcAddress} -tls -tls-ca-cert=${mtls.serverCaFile} -service=readiness`,
    );
    expect(check.code).toBe(0);
    const listed = await shell(`grpcurl ${flags(asOps())} ${grpcAddress} list`);
    expect(listed.stdout).toContain("auth.v1.ServiceAccountService");
    for (const credential of [asReader(), {}]) {
      const { code, stdout, stderr } = await shell(`grpcurl ${flags(credential)} ${grpcAddress} list`);
      expect([code, stdout]).not.toEqual([0, ""]);
      expect(stdout).not.toContain("auth.v1");
      expect(stderr).toMatch(credential.pair === undefined ? /no credentials/ : /reflection\.use/);
    }
  });

  testWith("grpcurl", "grpcurl: with a key instead of a certificate", async () => {
    const accounts = createClient(ServiceAccountService, mtls.grpc(asOps()));
    const { serviceAccount } = await accounts.createServiceAccount({ name: "debugger", roles: ["admin"] });
    const { key } = await accounts.createServiceAccountKey({ serviceAccountId: serviceAccount?.id ?? "" });
    const call = (authorization: string) =>
      shell(
        `grpcurl ${flags({})} -H 'authorization: ${authorization}' ${mtls.service.grpcAddress} ` +
          "auth.v1.UserService/ListUsers",
      );
    expect(await call(`Bearer ${key}`)).toMatchObject({ code: 0 });
    const page = readFileSync(join(import.meta.dirname, "../../docs/callers.md"), "utf8");
    const [, block = ""] = /### Example\n.*?```sh\n(.*?)```/s.exec(page) ?? [];
    const { cert = "", key: clientKey = "" } = asOps().pair ?? {};
    const printed = block
      .replaceAll("ca.pem", mtls.serverCaFile)
      .replace("client.crt", mtls.keep("client.crt", cert))
      .replace("client.key", mtls.keep("client.key", clientKey))
      .replaceAll("auth.example.com:50051", mtls.service.grpcAddress);
    expect(await shell(`KEY=${key}\n${printed}`)).toEqual({ code: 0, stdout: "{}\n{}\n", stderr: "" });
    const cut = await call(`Bearer ${key.slice(0, -1)}`);
    expect(cut.stderr).toContain("malformed, truncated or foreign key");
    expect(mtls.service.process.output).not.toContain(key.slice(8, 40));
  });
});

describe("behind a mesh", () => {
  const header = { "x-forwarded-client-cert": `By=${idOf("auth")};Hash=0a;URI=${idOf("reader")}` };

  test.each([
    ["from the sidecar the forwarded certificate is believed", "127.0.0.1", "let in"],
    ["from anywhere else it means nothing", "127.0.0.6", "CALLER_UNAUTHENTICATED"],
  ])("%s, on both ports", { timeout: 60_000 }, async (_name, sidecars, verdict) => {
    await using mesh = await startMesh(sidecars);
    const { grpcAddress, httpUrl } = mesh.service;
    for (const transport of [
      createGrpcTransport({ baseUrl: `http://${grpcAddress}` }),
      createConnectTransport({ baseUrl: httpUrl, httpVersion: "1.1" }),
    ]) {
      const users = createClient(UserService, transport);
      expect(await reasonOf(users.listUsers({}, { headers: header }))).toBe(verdict);
      expect(await reasonOf(users.listUsers({}))).toBe("CALLER_UNAUTHENTICATED");
      const forged = { "x-forwarded-client-cert": `${header["x-forwarded-client-cert"]},Hash=0b` };
      expect(await reasonOf(users.listUsers({}, { headers: forged }))).toBe("CALLER_UNAUTHENTICATED");
      if (verdict === "let in") {
        expect(await reasonOf(users.createUser({ user: { username: "x" } }, { headers: header }))).toBe(
          "PERMISSION_DENIED",
        );
      }
    }
  });

  async function startMesh(sidecars: string) {
    const database = await createTestDatabase();
    const folder = await temporaryFolder();
    const policyFile = join(folder.path, "policy.json");
    writeFileSync(policyFile, JSON.stringify({ callers: [reader] }));
    const service = await startService({
      DATABASE_URL: database.uri,
      AUTH_MIGRATE: "auto",
      AUTH_CALLERS: undefined,
      AUTH_TLS: "mesh",
      AUTH_SIDECARS: sidecars,
      AUTH_TRUST_DOMAINS: "prod.example",
      AUTH_POLICY_FILE: policyFile,
    });
    return {
      service,
      async [Symbol.asyncDispose]() {
        await service[Symbol.asyncDispose]();
        await database.drop();
        await folder[Symbol.asyncDispose]();
      },
    };
  }
});
