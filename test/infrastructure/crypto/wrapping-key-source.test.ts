import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { inspect, promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../../src/domain/secret.ts";
import { loadWrappingKeys } from "../../../src/infrastructure/crypto/wrapping-key-source.ts";
import { WrappingKeys } from "../../../src/infrastructure/crypto/wrapping-keys.ts";
import { StartError } from "../../../src/infrastructure/process/start-error.ts";
import { newWrappingKey } from "./opened-signing-key.ts";

const key = newWrappingKey();
const plain = Buffer.from("what is to be kept");
const wrapped = WrappingKeys.parse(key).wrap(plain, "");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "auth-wrapping-key-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function refusal(loading: Promise<WrappingKeys>): Promise<string> {
  const error: unknown = await loading.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(StartError);
  expect(inspect(error)).not.toContain(key.slice(1, 20));
  return (error as StartError).message;
}

describe("a value", () => {
  test("is the keys", async () => {
    expect((await loadWrappingKeys({ value: new Secret(key) })).unwrap(wrapped, "")).toEqual(plain);
  });

  test("that is none is refused", async () => {
    expect(await refusal(loadWrappingKeys({ value: new Secret(`${key} ${key}`) }))).toBe(
      "AUTH_WRAPPING_KEY: wrapping keys 1 and 2 are the same",
    );
  });
});

describe("a file", () => {
  test("is read through symbolic links, and may be read by others, as Kubernetes mounts it", async () => {
    const file = join(folder, "keys");
    await writeFile(join(folder, "data"), `${newWrappingKey()}\n${key}\n`);
    await chmod(join(folder, "data"), 0o644);
    await symlink("data", file);
    expect((await loadWrappingKeys({ file })).unwrap(wrapped, "")).toEqual(plain);
  });

  test("that all may write is refused", async () => {
    const file = join(folder, "keys");
    await writeFile(file, key);
    await chmod(file, 0o646);
    expect(await refusal(loadWrappingKeys({ file }))).toBe(
      `cannot trust ${file}: ${file} is writable by every user; run: chmod o-w ${file}`,
    );
  });

  test("that is not there, is a folder, is too large or holds no key is refused", async () => {
    const file = join(folder, "keys");
    expect(await refusal(loadWrappingKeys({ file }))).toBe(`cannot read ${file}: no such file`);
    expect(await refusal(loadWrappingKeys({ file: folder }))).toBe(
      `cannot read ${folder}: it is a folder, not a file`,
    );
    await writeFile(file, `${key.slice(0, 30)}!\n`);
    expect(await refusal(loadWrappingKeys({ file }))).toBe(`${file}: wrapping key 1 is not valid base64`);
    await truncate(file, 100_000);
    expect(await refusal(loadWrappingKeys({ file }))).toBe(
      `${file}: too large; expected at most 65536 bytes`,
    );
  });
});

describe("a data folder", () => {
  test("gets a key at the first start, which is there at the next", async () => {
    const madeIn = join(folder, "not", "there");
    const first = await loadWrappingKeys({ madeIn });
    expect((await loadWrappingKeys({ madeIn })).unwrap(first.wrap(plain, ""), "")).toEqual(plain);
    expect(await readdir(madeIn)).toEqual(["wrapping-key"]);
    expect((await stat(join(madeIn, "wrapping-key"))).mode & 0o7777).toBe(0o600);
    expect(await readFile(join(madeIn, "wrapping-key"), "utf8")).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
  });

  test("has one key, however many begin at about the same time", async () => {
    for (let round = 0; round < 5; round++) {
      const madeIn = join(folder, `${round}`);
      // One after the other, so that some are done while others, who saw no key either, have only begun.
      const all = await Promise.all(
        Array.from({ length: 30 }, (_, i) => setTimeout(i / 5).then(() => loadWrappingKeys({ madeIn }))),
      );
      for (const keys of all) expect(all[0]?.unwrap(keys.wrap(plain, ""), "")).toEqual(plain);
      expect(await readdir(madeIn)).toEqual(["wrapping-key"]);
    }
  });

  test("has one key, however many processes begin at once", async () => {
    const source = join(import.meta.dirname, "../../../src/infrastructure/crypto/wrapping-key-source.ts");
    const program = `
      const { loadWrappingKeys } = await import(${JSON.stringify(source)});
      const keys = await loadWrappingKeys({ madeIn: ${JSON.stringify(folder)} });
      console.log(Buffer.from(keys.wrap(Buffer.from("by a process"), "")).toString("hex"));`;
    const outputs = await Promise.all(
      Array.from({ length: 4 }, () =>
        promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]),
      ),
    );
    const keys = await loadWrappingKeys({ madeIn: folder });
    for (const { stdout } of outputs) {
      expect(keys.unwrap(Buffer.from(stdout.trim(), "hex"), "").toString()).toBe("by a process");
    }
    expect(await readdir(folder)).toEqual(["wrapping-key"]);
  });

  test.each([0o640, 0o604, 0o620, 0o610])(
    "whose key others may use, by mode %o, is refused",
    async (mode) => {
      const file = join(folder, "wrapping-key");
      await writeFile(file, key);
      await chmod(file, mode);
      expect(await refusal(loadWrappingKeys({ madeIn: folder }))).toBe(
        `${file} is accessible to other users (mode 0${mode.toString(8)}); run: chmod 600 ${file}`,
      );
    },
  );

  test("whose key is damaged keeps it, and is refused", async () => {
    const file = join(folder, "wrapping-key");
    await writeFile(file, "", { mode: 0o600 });
    expect(await refusal(loadWrappingKeys({ madeIn: folder }))).toBe(
      `${file}: no wrapping key; make one with: openssl rand -base64 32`,
    );
    expect(await readFile(file, "utf8")).toBe("");
  });

  test("that cannot be made is refused", async () => {
    await writeFile(join(folder, "file"), "");
    const madeIn = join(folder, "file", "data");
    expect(await refusal(loadWrappingKeys({ madeIn }))).toBe(
      `cannot read ${join(madeIn, "wrapping-key")}: a part of its path is not a folder`,
    );
  });
});
