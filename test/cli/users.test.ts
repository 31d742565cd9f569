import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { auth, authJson, inTurns } from "../support/cli.ts";
import { grpcClients } from "../support/clients.ts";
import { sharedService } from "../support/shared-service.ts";

const password = "correct horse battery staple";
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A user in the API's JSON. */
interface UserJson {
  readonly id: string;
  readonly etag: string;
  readonly state: string;
}

interface Said {
  readonly user: UserJson;
}

describe("users on the command line, on the database of a service that runs", () => {
  const shared = sharedService();
  const run = (args: readonly string[], stdin = "") => auth(args, shared.environment, stdin);
  const said = <Answer = Said>(args: readonly string[], stdin = "") =>
    authJson<Answer>(args, shared.environment, stdin);
  const signIn = (identifier: string) =>
    grpcClients(shared.running).authentication.authenticate({
      identifier,
      password,
      audience: "orders",
      client: { id: "web", displayName: "Ada's phone" },
    });
  const newName = () => `u-${randomUUID()}`;
  const newUser = async () => (await said(["user", "create", "--username", newName()])).user;

  test("create: both forms, everything that can be said of a user, and the password from standard input", async () => {
    const name = newName();
    const args = [
      "user",
      "create",
      `--email=${name}@example.com`,
      "--username",
      name,
      "--display-name",
      "Ada",
      "--attribute",
      "team=engines",
      "--attribute",
      "floor=1=2",
      "--with-password",
    ];
    const { user } = await said(args, `${password}\n`);
    expect(user).toEqual({
      id: expect.stringMatching(uuid),
      email: `${name}@example.com`,
      username: name,
      displayName: "Ada",
      attributes: { team: "engines", floor: "1=2" },
      state: "STATE_ACTIVE",
      createTime: expect.stringMatching(/Z$/),
      updateTime: expect.stringMatching(/Z$/),
      etag: "1",
    });
    expect((await signIn(name)).user?.id).toBe(user.id);

    const other = newName();
    const { code, stdout, stderr } = await run(["user", "create", "--username", other]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n").map((line) => line.split(/ +/).slice(0, 2))).toEqual([
      ["id", expect.stringMatching(uuid)],
      ["username", other],
      ["state", "active"],
      ["created", expect.any(String)],
      ["changed", expect.any(String)],
      ["etag", "1"],
      [""],
    ]);
  });

  test("what goes wrong is said on standard error, in both forms, by the API's reasons", async () => {
    const [name, id] = [newName(), randomUUID()];
    await newUser();
    await said(["user", "create", "--username", name]);
    const cases: [string[], string, string, string?][] = [
      [["create", "--username", name], "USERNAME_TAKEN", "another user has this username"],
      [["create", "--username", "a b"], "USERNAME_INVALID", "user.username: must consist of letters"],
      [["create", "--email", "nowhere"], "EMAIL_INVALID", "user.email: "],
      [["create", "--username", "x", "--display-name", "a\u0007b"], "INVALID_REQUEST", "user.display_name: "],
      [["create", "--username", "x", "--attribute", "Team=1"], "INVALID_REQUEST", "user.attributes"],
      [
        ["create", "--username", "x", "--request-id", "1"],
        "INVALID_REQUEST",
        "request_id: must be a valid UUID",
      ],
      [["get", id], "USER_NOT_FOUND", "user not found"],
      [["unlock", id], "USER_NOT_FOUND", "user not found"],
      [["get", `${name}@example.com`], "USER_NOT_FOUND", "user not found"],
      [
        ["list", "--page-token", "x"],
        "PAGE_TOKEN_INVALID",
        "page_token: must be a token that this service issued",
      ],
      [["suspend", name, "--reason", "x", "--until", "2001-01-01"], "SUSPENSION_IN_PAST", "until_time"],
      [["suspend", name, "--reason", ""], "INVALID_REQUEST", "reason: "],
      [["delete", name, "--etag", "9"], "ETAG_MISMATCH", "the user has changed"],
      [["undelete", name], "USER_NOT_DELETED", "the user is not deleted"],
      [["set-password", name], "PASSWORD_UNACCEPTABLE", "password: must be at least 15", "hunter2"],
      [["revoke-sessions", name, "--except-session", "x"], "INVALID_REQUEST", "except_session_id: must be"],
    ];
    await inTurns(cases, async ([args, reason, sentence, stdin]) => {
      const { code, stdout, stderr } = await run(["user", ...args, "--json"], stdin);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(JSON.parse(stderr)).toMatchObject({
        error: { reason, message: expect.stringContaining(sentence) },
      });
      expect(stderr).not.toContain("hunter2");
    });
    await inTurns(cases.slice(-3), async ([args, , sentence, stdin]) => {
      const { code, stdout, stderr } = await run(["user", ...args], stdin);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain(`auth: ${sentence}`);
      expect(stderr.trimEnd()).not.toContain("\n");
      expect(stderr).not.toContain("hunter2");
    });
    const violations = await run(["user", "create", "--email", "nowhere", "--json"]);
    expect(JSON.parse(violations.stderr).error.violations).toMatchObject([{ field: "user.email" }]);
  });

  test("what was typed wrongly is said so, with exit code 2, before anything is done", async () => {
    const lines = [
      ["create"],
      ["create", "--username", "x", "y"],
      ["get"],
      ["get", "id:1"],
      ["suspend", "x"],
      ["list", "--state", "asleep"],
      ["frobnicate"],
    ];
    await inTurns(lines, async (args) => {
      const { code, stdout, stderr } = await run(["user", ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^auth: .*See auth --help\.\n$/);
    });
    const asJson = await run(["user", "create", "--json"]);
    expect(asJson).toMatchObject({ code: 2, stdout: "" });
    expect(JSON.parse(asJson.stderr)).toEqual({
      error: { reason: "USAGE", message: "--email or --username is required" },
    });
  });

  test("get: by id, email and username, in the JSON that the API answers", async () => {
    const name = newName();
    const { user } = await said(["user", "create", "--username", name, "--email", `${name}@example.com`]);
    const response = await fetch(`${shared.running.httpUrl}/auth.v1.UserService/GetUser`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: user.id }),
    });
    const api = await response.json();
    const references = [user.id, name.toUpperCase(), `${name}@EXAMPLE.com`, `username:${name}`];
    await inTurns(references, async (reference) => {
      expect(await said(["user", "get", reference])).toMatchObject(api as object);
    });
    expect((await run(["user", "get", name])).stdout).toContain(`email     ${name}@example.com\n`);
  });

  test("suspend, unsuspend, delete, undelete: both forms, by etag, and once for a request id", async () => {
    const user = await newUser();
    await signIn(user.id).catch(() => {});
    const suspended = await said<{ user: Record<string, unknown> }>([
      "user",
      "suspend",
      user.id,
      "--reason",
      "spam",
      "--until",
      "2099-01-01",
      "--etag",
      user.etag,
    ]);
    expect(suspended.user).toMatchObject({
      state: "STATE_SUSPENDED",
      suspension: { reason: "spam", untilTime: "2099-01-01T00:00:00Z" },
      etag: "2",
    });
    expect((await run(["user", "get", user.id])).stdout).toMatch(
      /state +suspended\nreason +spam\nsuspended +\S+Z\nuntil +2099-01-01T00:00:00Z\n/,
    );
    expect((await run(["user", "unsuspend", user.id])).stdout).toMatch(/state +active/);
    const once = ["user", "delete", user.id, "--request-id", randomUUID()];
    expect((await said(once)).user.state).toBe("STATE_DELETED");
    expect((await said(once)).user.state).toBe("STATE_DELETED");
    expect((await run(["user", "get", user.id])).stdout).toMatch(/state +deleted[\s\S]*deleted +\S+Z/);
    expect((await run(["user", "undelete", user.id])).stdout).toMatch(/state +active/);
    expect((await said(["user", "get", user.id])).user).toMatchObject({ state: "STATE_ACTIVE", etag: "5" });
  });

  test("set-password: from standard input, once for a request id, and sessions end", async () => {
    const user = await newUser();
    const once = ["user", "set-password", user.id, "--request-id", randomUUID()];
    expect(await said<object>(once, `${password}\r\n`)).toEqual({});
    expect(await said<object>(once, password)).toEqual({});
    const reused = await run([...once, "--json"], "another horse battery staple");
    expect(JSON.parse(reused.stderr).error.reason).toBe("REQUEST_ID_REUSED");
    const forPeople = await run(["user", "set-password", user.id], password);
    expect(forPeople.stdout).toBe(`Set the password of ${user.id} and ended its sessions.\n`);
  });

  test("unlock and unlock-all: both forms, and the user signs in again", async () => {
    const name = newName();
    const { user } = await said(
      ["user", "create", "--username", name, "--email", `${name}@example.com`, "--with-password"],
      password,
    );
    const { authentication } = grpcClients(shared.running);
    const lock = async () => {
      const wrong = { identifier: name, password: "wrong donkey battery staple" };
      for (let guesses = 0; guesses < 10; guesses++)
        await authentication.verifyPassword(wrong).catch(() => {});
      await expect(signIn(name)).rejects.toThrow("too many attempts");
    };
    await lock();
    expect((await said(["user", "unlock", name])).user).toEqual(user);
    await signIn(name);
    expect((await run(["user", "unlock", user.id])).stdout).toContain(`username  ${name}\n`);
    await lock();
    const others = ["user", "unlock-all", "--created-after", "2099-01-01"];
    expect(await said<object>(others)).toEqual({ unlockedCount: 0 });
    await expect(signIn(name)).rejects.toThrow("too many attempts");
    const matching = ["user", "unlock-all", "--email-prefix", name, "--state", "active"];
    expect((await run(matching)).stdout).toBe("1 user unlocked.\n");
    await signIn(name);
    expect(await said<object>(matching)).toEqual({ unlockedCount: 0 });
  });

  test("a password that standard input does not hold is none, and is not said again", async () => {
    const user = await newUser();
    const inputs = [
      ["", "no password on standard input"],
      ["\n", "no password on standard input"],
      ["hunter2\nhunter3\n", "standard input has more than one line; expected one password"],
      ["hunter2".repeat(1_000), "password on standard input is too long"],
    ] as const;
    await inTurns(inputs, async ([stdin, sentence]) => {
      const { code, stderr } = await run(["user", "set-password", user.id], stdin);
      expect({ code, stderr }).toEqual({ code: 1, stderr: `auth: ${sentence}\n` });
    });
  });

  test("sessions and revoke-sessions: both forms, all but one, and the ended ones where they are asked for", async () => {
    const name = newName();
    const { user } = await said(["user", "create", "--username", name, "--with-password"], password);
    const kept = await signIn(name);
    await signIn(name);
    const list = ["user", "sessions", name];
    const { sessions } = await said<{ sessions: Record<string, unknown>[] }>(list);
    expect(sessions).toHaveLength(2);
    expect(sessions[1]).toMatchObject({
      id: kept.session?.id,
      userId: user.id,
      audience: "orders",
      client: { id: "web", displayName: "Ada's phone" },
      state: "STATE_LIVE",
    });
    const [head = "", ...lines] = (await run(list)).stdout.trimEnd().split("\n");
    expect(head).toMatch(/^ID +STATE +CLIENT/);
    expect(lines.map((line) => line.split(/ {2,}/).slice(1, 3))).toEqual([
      ["live", "Ada's phone"],
      ["live", "Ada's phone"],
    ]);
    const revoke = ["user", "revoke-sessions", name];
    const except = ["--except-session", kept.session?.id ?? ""];
    expect(await said<object>([...revoke, ...except])).toEqual({});
    expect((await run(revoke)).stdout).toBe("All sessions ended.\n");
    expect(await said<object>(list)).toEqual({ sessions: [], nextPageToken: "" });
    const ended = await said<{ sessions: object[] }>([...list, "--show-ended"]);
    expect(ended.sessions).toHaveLength(2);
    const page = await said<{ sessions: object[]; nextPageToken: string }>([
      ...list,
      "--show-ended",
      "--page-size",
      "1",
    ]);
    expect(page.sessions).toEqual(ended.sessions.slice(0, 1));
    const next = [...list, "--show-ended", "--page-size", "1", "--page-token", page.nextPageToken];
    expect(await said<object>(next)).toEqual({ sessions: ended.sessions.slice(1), nextPageToken: "" });
  });
});

describe("a list of users on the command line", () => {
  const shared = sharedService();
  const list = (...args: string[]) =>
    authJson<{ users: { username: string }[]; nextPageToken: string }>(
      ["user", "list", ...args],
      shared.environment,
    );
  const names = async (...args: string[]) => (await list(...args)).users.map(({ username }) => username);

  beforeAll(async () => {
    const { users } = grpcClients(shared.running);
    for (const username of ["a", "b", "c"]) {
      const { user } = await users.createUser({
        user: { username, email: `${username}@example.com`, displayName: "\u202egnp.exe" },
      });
      if (username === "b") await users.suspendUser({ id: user?.id ?? "", reason: "spam" });
      if (username === "c") await users.deleteUser({ id: user?.id ?? "" });
    }
  });

  test("can be filtered, ordered and gone through page by page", async () => {
    expect(await names()).toEqual(["a", "b"]);
    expect(await names("--show-deleted", "--descending")).toEqual(["c", "b", "a"]);
    expect(await names("--state", "suspended")).toEqual(["b"]);
    expect(await names("--state", "deleted")).toEqual(["c"]);
    expect(await names("--email-prefix", "A@")).toEqual(["a"]);
    expect(await names("--created-after", "2099-01-01")).toEqual([]);
    expect(await names("--created-before", "2099-01-01", "--created-after", "1970-01-01")).toEqual([
      "a",
      "b",
    ]);
    expect((await names("--order-by", "id")).sort()).toEqual(["a", "b"]);
    const { users, nextPageToken } = await list("--page-size", "1");
    expect(users).toMatchObject([{ username: "a" }]);
    expect(await names("--page-size", "1", "--page-token", nextPageToken)).toEqual(["b"]);
  });

  test("is a table for people, says how to go on, and lets nobody's name turn the text around", async () => {
    const { stdout, code } = await auth(["user", "list", "--page-size", "1"], shared.environment);
    expect(code).toBe(0);
    const [head, line, more] = stdout.split("\n");
    expect(head).toMatch(/^ID +EMAIL +USERNAME +NAME +STATE +CREATED$/);
    expect(line).toMatch(/^[0-9a-f-]{36} {2}a@example\.com {2}a +\\u\{202e\}gnp\.exe {2}active {2}\S+Z$/);
    expect(more).toMatch(/^More results: --page-token \S+$/);
  });
});
