import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { auth } from "../support/cli.ts";
import { grpcClients } from "../support/clients.ts";
import { environmentOf, temporaryFolder } from "../support/service.ts";
import { sharedService } from "../support/shared-service.ts";
import { toolEnvironment } from "../support/shell.ts";
import { testWith } from "../support/tools.ts";

const root = join(import.meta.dirname, "../..");
const cli = `${process.execPath} ${join(root, "src/cli.ts")}`;

const { version }: { version: string } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

describe("auth, however it is called", () => {
  /** As a machine has it: its own Node and npm, without the tests' Node in front. */
  const call = async (command: string, cwd = root) => {
    await using cache = await temporaryFolder();
    const { status, stdout, stderr } = spawnSync("sh", ["-c", command], {
      cwd,
      encoding: "utf8",
      env: { ...toolEnvironment, PATH: machinePath(), npm_config_cache: cache.path },
    });
    return { status, stdout, stderr };
  };

  test("by the script that package.json names as its bin, also through a link and from elsewhere", async () => {
    await using folder = await temporaryFolder();
    const link = join(folder.path, "auth");
    const { stdout } = await call(
      `ln -s ${join(root, "scripts/auth")} ${link} && ${link} --version`,
      folder.path,
    );
    expect(stdout).toBe(`auth ${version}\n`);
  });

  testWith("npx", "by npx and npm exec in the project, without a registry", async () => {
    for (const command of ["npx --offline auth --version", "npm exec --offline -- auth --version"]) {
      expect(await call(command)).toMatchObject({ status: 0, stdout: `auth ${version}\n` });
    }
    const refused = await call("npx --offline auth user get");
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toContain("auth: expected USER, got 0 arguments. See auth --help.\n");
  });

  test("help and usage go where they belong", async () => {
    const asked = await auth(["help"]);
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    expect(await auth([])).toEqual(asked);
    expect(await auth(["--help"])).toEqual(asked);
    expect((await auth(["help", "settings"])).stdout).toContain("| `DATABASE_URL` |");
    expect(await auth(["help", "nothing"])).toMatchObject({ code: 2, stdout: "" });
  });

  test("a command that shows nothing of the database does not touch it", async () => {
    const nowhere = { DATABASE_URL: "postgresql://127.0.0.1:1/x", AUTH_NONSENSE: "1" };
    expect((await auth(["user", "get", "--help"], nowhere)).code).toBe(0);
    const { code, stderr } = await auth(["user", "get", "x"], nowhere);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^auth: invalid configuration:\n {2}unknown setting AUTH_NONSENSE\n/);
  });
});

describe("auth and its terminal", () => {
  const shared = sharedService();

  beforeAll(async () => {
    const { users } = grpcClients(shared.running);
    // More than a pipe holds.
    const attributes = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`key${i}`, "x".repeat(500)]));
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => users.createUser({ user: { username: `u${i}`, attributes } })),
    );
  });

  const sh = async (script: string, stdin?: (says: string, type: (text: string) => void) => void) => {
    const child = spawn("bash", ["-o", "pipefail", "-c", script], {
      cwd: root,
      env: environmentOf({ ...shared.environment, TERM: "xterm-256color", NO_COLOR: undefined }),
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data) => {
      stdout += data;
      stdin?.(stdout, (text) => child.stdin.write(text));
    });
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    if (stdin === undefined) child.stdin.end();
    const [code] = await once(child, "close");
    return { code, stdout, stderr };
  };

  test("a reader that has seen enough is no error", async () => {
    const full = await sh(`${cli} user list --json | wc -c`);
    expect(Number(full.stdout)).toBeGreaterThan(200_000);
    for (const reader of ["head -c 10", "true"]) {
      for (const form of ["--json", ""]) {
        const { code, stderr } = await sh(`${cli} user list ${form} | ${reader} >/dev/null`);
        expect({ reader, form, code, stderr }).toEqual({ reader, form, code: 0, stderr: "" });
      }
    }
    expect(await sh(`${cli} user get nobody 2>&1 | true`)).toMatchObject({ code: 1, stderr: "" });
  });

  const typed = (password: string, again = password) => {
    let asked = 0;
    return (says: string, type: (text: string) => void) => {
      if (asked === 0 && says.includes("Password: ")) {
        asked = 1;
        type(`${password}\r`);
      }
      if (asked === 1 && says.includes("Again: ")) {
        asked = 2;
        type(`${again}\r`);
      }
    };
  };
  const pty = (command: string) => `script -qec '${cli} ${command}' /dev/null`;

  testWith("script", "on a terminal a password is asked for twice, and not shown", async () => {
    const password = "correct horse battery staple";
    const { code, stdout } = await sh(pty("user set-password u1"), typed(password));
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Password: \r?\n[\s\S]*Again: \r?\nSet the password of \S+ and ended its sessions\.\r?\n$/,
    );
    expect(stdout).not.toContain("horse");
    const { authentication } = grpcClients(shared.running);
    expect((await authentication.verifyPassword({ identifier: "u1", password })).user?.username).toBe("u1");
  });

  testWith("script", "what is typed can be mended, and two that differ are refused", async () => {
    const mended = "correct horse battery staplf\u007fe";
    expect((await sh(pty("user set-password u2"), typed(mended, "correct horse battery staple"))).code).toBe(
      0,
    );
    const differ = await sh(
      pty("user set-password u2"),
      typed("correct horse battery", "wrong donkey battery"),
    );
    expect(differ.code).toBe(1);
    expect(differ.stdout).toContain("auth: passwords do not match");
    expect((await sh(pty("user set-password u2"), typed(""))).stdout).toContain("auth: password is empty");
  });

  testWith(
    "script",
    "Ctrl-C and Ctrl-D at the prompt end the command and leave the terminal as it was",
    async () => {
      const settings = `script -qec 'stty -a > "$BEFORE"; ${cli} user set-password u3; echo "code $?"; stty -a > "$AFTER"' /dev/null`;
      await using folder = await temporaryFolder();
      const [before, after] = [join(folder.path, "before"), join(folder.path, "after")];
      const both = `export BEFORE=${before} AFTER=${after}; ${settings}; cmp ${before} ${after} && echo "as it was"`;
      for (const [key, code] of [
        ["\u0003", 130],
        ["\u0004", 1],
      ] as const) {
        let done = false;
        const { stdout } = await sh(both, (says, type) => {
          if (done || !says.includes("Password: ")) return;
          done = true;
          type(`corr${key === "\u0004" ? "\u0015" : ""}${key}`);
        });
        expect(stdout).toContain(`code ${code}`);
        expect(stdout).toContain("as it was");
        expect(stdout).not.toContain("corr");
      }
    },
  );

  testWith("script", "colours are for a terminal, and for one that wants them", async () => {
    const coloured = "\u001b[32mok\u001b[39m";
    expect((await sh(pty("doctor"))).stdout).toContain(coloured);
    expect((await sh(`NO_COLOR=1 ${pty("doctor")}`)).stdout).not.toContain("\u001b");
    expect((await sh(pty("doctor --json"))).stdout).not.toContain("\u001b");
    expect((await sh(`${cli} doctor`)).stdout).not.toContain("\u001b");
  });
});

/** The path without what npm and the tests put before it. */
function machinePath(): string {
  return (process.env["PATH"] ?? "")
    .split(":")
    .filter((folder) => !folder.includes("node_modules"))
    .join(":");
}
