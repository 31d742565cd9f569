import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openTrusted, ReplaceableFileError } from "../../../src/infrastructure/files/trusted-path.ts";

const isRoot = process.getuid?.() === 0;
const stranger = 54_321;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "auth-trusted-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

const at = (...path: string[]) => join(folder, ...path);
function file(path: string, mode = 0o644): string {
  writeFileSync(at(path), "content");
  chmodSync(at(path), mode);
  return at(path);
}
function makeFolder(path: string, mode = 0o755): string {
  mkdirSync(at(path));
  chmodSync(at(path), mode);
  return at(path);
}
async function read(path: string): Promise<string> {
  await using handle = await openTrusted(path);
  return handle.readFile("utf8");
}
const refused = (message: string) =>
  expect.objectContaining({ name: ReplaceableFileError.name, message: expect.stringContaining(message) });

describe("a file is opened", () => {
  test.each([0o600, 0o640, 0o644, 0o444])("of mode %o", async (mode) => {
    expect(await read(file("f", mode))).toBe("content");
  });

  test("of our group, which may write it, in a folder of our group", async () => {
    makeFolder("ours", 0o2775);
    expect(await read(file("ours/f", 0o660))).toBe("content");
  });

  test("in a folder that all may write, with the sticky bit", async () => {
    makeFolder("sticky", 0o1777);
    expect(await read(file("sticky/f"))).toBe("content");
  });

  test("as Kubernetes mounts a secret with an fsGroup, and while it is swapped", async () => {
    const mount = makeFolder("secret", 0o3777);
    const put = (version: string) => {
      makeFolder(`secret/${version}`, 0o2755);
      file(`secret/${version}/policy.json`, 0o440);
      symlinkSync(version, join(mount, "..data_tmp"));
      renameSync(join(mount, "..data_tmp"), join(mount, "..data"));
    };
    put("..1");
    symlinkSync("..data/policy.json", join(mount, "policy.json"));
    expect(await read(join(mount, "policy.json"))).toBe("content");
    const reads = Promise.all(Array.from({ length: 200 }, () => read(join(mount, "policy.json"))));
    for (let version = 2; version < 30; version++) {
      put(`..${version}`);
      await new Promise(setImmediate);
    }
    expect(new Set(await reads)).toEqual(new Set(["content"]));
  });

  test("through links that are absolute, relative and chained", async () => {
    makeFolder("a");
    makeFolder("b");
    file("b/f");
    symlinkSync(at("b"), at("a/absolute"));
    symlinkSync("../a/absolute/f", at("b/chained"));
    expect(await read(at("a/absolute/chained"))).toBe("content");
  });
});

describe("a file is refused", () => {
  test("that every user can change", async () => {
    await expect(read(file("f", 0o646))).rejects.toEqual(refused(`run: chmod o-w ${at("f")}`));
  });

  test("in a folder that every user can change, also further up", async () => {
    makeFolder("open", 0o777);
    makeFolder("open/closed");
    await expect(read(file("open/closed/f"))).rejects.toEqual(refused(`run: chmod o-w ${at("open")}`));
  });

  test.each([
    ["whose folder", "open/link", "f"],
    ["whose target's folder", "link", "open/f"],
  ])("behind a link %s every user can change", async (_what, link, target) => {
    makeFolder("open", 0o777);
    file(target);
    symlinkSync(at(target), at(link));
    await expect(read(at(link))).rejects.toEqual(refused(`run: chmod o-w ${at("open")}`));
  });

  test("behind a link that leads through a folder that every user can change", async () => {
    makeFolder("open", 0o777);
    makeFolder("safe");
    file("safe/f");
    symlinkSync("../safe", at("open/second"));
    symlinkSync("open/second/f", at("first"));
    await expect(read(at("first"))).rejects.toEqual(refused(`run: chmod o-w ${at("open")}`));
  });

  test.runIf(isRoot).each<[string, () => string]>([
    ["the file", () => at("x/f")],
    ["its folder", () => at("x")],
  ])("if %s belongs to another user", async (_what, path) => {
    makeFolder("x");
    file("x/f");
    chownSync(path(), stranger, 0);
    await expect(read(at("x/f"))).rejects.toEqual(
      refused(`${path()} belongs to uid ${stranger}, which could replace it; run: chown`),
    );
  });

  test.runIf(isRoot).each<[string, () => string]>([
    ["the file", () => at("x/f")],
    ["its folder", () => at("x")],
  ])("if a group that is not ours can change %s", async (_what, path) => {
    makeFolder("x");
    file("x/f");
    chownSync(path(), 0, stranger);
    chmodSync(path(), 0o775);
    await expect(read(at("x/f"))).rejects.toEqual(refused(`run: chmod g-w ${path()}`));
  });

  test.runIf(isRoot)("in a folder with the sticky bit if it belongs to another user", async () => {
    makeFolder("sticky", 0o1777);
    chownSync(file("sticky/f"), stranger, stranger);
    await expect(read(at("sticky/f"))).rejects.toEqual(refused(`belongs to uid ${stranger}`));
  });

  test("behind links that lead in a circle, or nowhere", async () => {
    symlinkSync("b", at("a"));
    symlinkSync("a", at("b"));
    await expect(read(at("a"))).rejects.toMatchObject({ code: "ELOOP" });
    symlinkSync("nowhere", at("c"));
    await expect(read(at("c"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

/** Whether this machine lets us mount. */
function mounts(): boolean {
  const probe = mkdtempSync(join(tmpdir(), "auth-mount-"));
  try {
    execFileSync("mount", ["--bind", probe, probe], { stdio: "ignore" });
    execFileSync("umount", [probe]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true });
  }
}

test.runIf(isRoot && mounts())(
  "a ConfigMap of Kubernetes, of mode 777, is good because it is mounted read-only",
  async () => {
    const mount = makeFolder("config", 0o777);
    file("config/f");
    await expect(read(join(mount, "f"))).rejects.toEqual(refused(`run: chmod o-w ${mount}`));
    execFileSync("mount", ["--bind", mount, mount]);
    onTestFinished(() => void execFileSync("umount", [mount]));
    execFileSync("mount", ["-o", "remount,bind,ro", mount]);
    expect(await read(join(mount, "f"))).toBe("content");
  },
);
