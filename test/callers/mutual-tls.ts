import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { permissions } from "../../src/domain/caller/permission.ts";
import { Authority, type Pair, type Wanted } from "../support/authority.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { type Environment, type RunningService, startService } from "../support/service.ts";

export const trustDomain = "prod.example";
export const idOf = (path: string) => `spiffe://${trustDomain}/${path}`;

/** The SPIFFE ID of the caller who may do nothing but one thing, and of the one who may do everything else. */
export const only = (permission: string) => idOf(`only/${permission}`);
export const allBut = (permission: string) => idOf(`all-but/${permission}`);

/** A role as policies name it: "users.exportHashes" is "users-export-hashes". */
const roleOf = (kind: string, permission: string) =>
  `${kind}-${permission.replace(/[.A-Z]/g, (letter) => `-${letter.replace(".", "").toLowerCase()}`)}`;

/** A policy with the admin "ops", and for each permission a caller that has it alone, and one that has all others. */
export function policyOfEach(): object {
  const others = (permission: string) => permissions.filter((each) => each !== permission);
  return {
    roles: Object.fromEntries(
      permissions.flatMap((permission) => [
        [roleOf("only", permission), [permission]],
        [roleOf("all-but", permission), others(permission)],
      ]),
    ),
    callers: [
      { caller: idOf("ops"), roles: ["admin"] },
      ...permissions.flatMap((permission) => [
        { caller: only(permission), roles: [roleOf("only", permission)] },
        { caller: allBut(permission), roles: [roleOf("all-but", permission)] },
      ]),
    ],
  };
}

/** What a client shows: a certificate, a key, both or nothing. */
export interface Credential {
  readonly pair?: Pair | undefined;
  readonly key?: string | undefined;
}

/** A service that knows its callers by mTLS and by keys, on a database of its own. */
export interface MutualTlsService extends AsyncDisposable {
  readonly service: RunningService;
  /** The authority that is believed. */
  readonly authority: Authority;
  readonly policyFile: string;
  readonly serverCaFile: string;
  /** Keeps a text for as long as the service runs. Answers the file. */
  keep(name: string, text: string): string;
  certificate(uri: string, changes?: Partial<Wanted>): Pair;
  grpc(credential: Credential): Transport;
  http(credential: Credential): Transport;
}

export async function startMutualTlsService(
  policy: object,
  environment: Environment = {},
): Promise<MutualTlsService> {
  const folder = mkdtempSync(join(tmpdir(), "auth-mtls-"));
  const inFolder = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const authority = new Authority("clients");
  const serverAuthority = new Authority("servers");
  const own = serverAuthority.issue({ commonName: "localhost", dnsNames: ["localhost"] });
  const policyFile = inFolder("policy.json", JSON.stringify(policy));
  const serverCaFile = inFolder("servers.pem", serverAuthority.pair.cert);
  const database = await createTestDatabase();
  const service = await startService({
    DATABASE_URL: database.uri,
    AUTH_MIGRATE: "auto",
    AUTH_CALLERS: undefined,
    AUTH_TLS: "on",
    AUTH_TLS_CERT_FILE: inFolder("tls.crt", own.cert),
    AUTH_TLS_KEY_FILE: inFolder("tls.key", own.key),
    AUTH_CLIENT_CA_FILE: inFolder("clients.pem", authority.pair.cert),
    AUTH_TRUST_DOMAINS: trustDomain,
    AUTH_POLICY_FILE: policyFile,
    ...environment,
  });
  const optionsOf = ({ pair, key }: Credential) => ({
    nodeOptions: { ca: serverAuthority.pair.cert, ...pair },
    interceptors: [
      (next: (request: never) => Promise<never>) => (request: never) => {
        const { header } = request as { header: Headers };
        if (key !== undefined) header.set("authorization", `Bearer ${key}`);
        return next(request);
      },
    ] as never,
  });
  return {
    service,
    authority,
    policyFile,
    serverCaFile,
    keep: inFolder,
    certificate: (uri, changes = {}) => authority.issue({ commonName: "caller", uris: [uri], ...changes }),
    grpc: (credential) =>
      createGrpcTransport({ baseUrl: `https://${service.grpcAddress}`, ...optionsOf(credential) }),
    http: (credential) =>
      createConnectTransport({ baseUrl: service.httpUrl, httpVersion: "1.1", ...optionsOf(credential) }),
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
