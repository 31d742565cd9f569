import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { auth, authJson } from "../support/cli.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { startService } from "../support/service.ts";
import { sharedService } from "../support/shared-service.ts";

interface AccountJson {
  readonly id: string;
  readonly name: string;
}

describe("service accounts on the command line", () => {
  const shared = sharedService();
  const run = (...args: string[]) => auth(["service-account", ...args], shared.environment);
  const said = <Answer>(...args: string[]) =>
    authJson<Answer>(["service-account", ...args], shared.environment);
  const newAccount = async () => {
    const name = `a${randomUUID().slice(0, 8)}`;
    return said<{ serviceAccount: AccountJson }>("create", "--name", name, "--role", "reader");
  };

  test("create, get, list, disable, enable, delete: both forms, by id and by name", async () => {
    const { serviceAccount: account } = await newAccount();
    expect(account).toMatchObject({ roles: ["reader"], displayName: "", etag: "1" });
    expect(await said("get", account.name)).toEqual({ serviceAccount: account });
    expect(await said("get", account.id)).toEqual({ serviceAccount: account });
    const { serviceAccounts } = await said<{ serviceAccounts: AccountJson[] }>("list");
    expect(serviceAccounts).toContainEqual(account);
    expect((await run("disable", account.name)).stdout).toMatch(
      new RegExp(`\\n${account.id} +${account.name} +reader +disabled +\\S+Z +-\\n$`),
    );
    expect((await run("enable", account.id)).stdout).toContain(" enabled ");
    expect(await run("delete", account.name)).toEqual({
      code: 0,
      stdout: `Deleted the service account ${account.name} and its keys.\n`,
      stderr: "",
    });
    expect(await run("get", account.name)).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "auth: service account not found\n",
    });
  });

  test("keys: one is shown once, and listed, disabled and deleted by its id", async () => {
    const { serviceAccount: account } = await newAccount();
    const made = await run("key", "create", account.name, "--display-name", "deploy");
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(/^auth_sa_\S+\n$/);
    const { key, serviceAccountKey } = await said<{ key: string; serviceAccountKey: { id: string } }>(
      "key",
      "create",
      account.id,
      "--expires",
      "2099-01-01",
    );
    expect(key).toMatch(/^auth_sa_/);
    expect(serviceAccountKey).toMatchObject({
      serviceAccountId: account.id,
      expireTime: "2099-01-01T00:00:00Z",
    });
    const listed = await run("key", "list", account.name);
    expect(listed.stdout.split("\n")[1]).toMatch(
      new RegExp(`^${serviceAccountKey.id} +enabled +\\S+Z +2099-01-01T00:00:00Z +- +-$`),
    );
    expect(listed.stdout.split("\n")[2]).toMatch(/ deploy$/);
    for (const secret of [key, made.stdout.trim()]) expect(listed.stdout + made.stderr).not.toContain(secret);
    expect((await run("key", "disable", serviceAccountKey.id)).stdout).toContain("disabled");
    expect((await run("key", "delete", serviceAccountKey.id)).code).toBe(0);
    expect(
      (await said<{ serviceAccountKeys: object[] }>("key", "list", account.id)).serviceAccountKeys,
    ).toHaveLength(1);
  });

  test("what is wrong is said by the API's reasons, or is wrong usage", async () => {
    const { serviceAccount: account } = await newAccount();
    for (const [reason, ...args] of [
      ["SERVICE_ACCOUNT_NAME_TAKEN", "create", "--name", account.name, "--role", "reader"],
      ["ROLE_UNKNOWN", "create", "--name", "x", "--role", "emperor"],
      ["INVALID_REQUEST", "create", "--name", "X", "--role", "reader"],
      ["EXPIRY_IN_PAST", "key", "create", account.id, "--expires", "2001-01-01"],
      ["SERVICE_ACCOUNT_KEY_NOT_FOUND", "key", "delete", randomUUID()],
      ["INVALID_REQUEST", "key", "disable", "x"],
      ["USAGE", "create", "--name", "x"],
      ["USAGE", "create", "--role", "reader"],
    ] as const) {
      const { code, stdout, stderr } = await run(...args, "--json");
      expect({ code, stdout }).toEqual({ code: reason === "USAGE" ? 2 : 1, stdout: "" });
      expect(JSON.parse(stderr)).toMatchObject({ error: { reason } });
    }
  });
});

test("the first admin of a service that lets nobody in is made here", async () => {
  const database = await createTestDatabase();
  const environment = { DATABASE_URL: database.uri, AUTH_CALLERS: "known" };
  await using service = await startService({ ...environment, AUTH_MIGRATE: "auto" });
  const list = async (authorization: string) => {
    const headers = { "content-type": "application/json", authorization };
    const url = `${service.httpUrl}/auth.v1.UserService/ListUsers`;
    return (await fetch(url, { method: "POST", headers, body: "{}" })).status;
  };
  expect(await list("Bearer auth_sa_nobody")).toBe(401);
  await authJson(["service-account", "create", "--name", "ops", "--role", "admin"], environment);
  const { stdout } = await auth(["service-account", "key", "create", "ops"], environment);
  expect(await list(`Bearer ${stdout.trim()}`)).toBe(200);
  await authJson(["service-account", "disable", "ops"], environment);
  await expect.poll(() => list(`Bearer ${stdout.trim()}`), { timeout: 10_000, interval: 200 }).toBe(401);
  await service[Symbol.asyncDispose]();
  await database.drop();
});
