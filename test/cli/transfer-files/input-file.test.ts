import { execFileSync, spawn } from "node:child_process";
import { createWriteStream, openSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { type FileRowsOptions, fileRows } from "../../../src/cli/transfer/files/file-rows.ts";
import { temporaryFolder } from "../../support/service.ts";
import { csv } from "./read-rows.ts";

const content = "a\n1\n2\n";
const values = [{ a: "1" }, { a: "2" }];

async function folder(): Promise<string> {
  const temporary = await temporaryFolder();
  onTestFinished(() => temporary[Symbol.asyncDispose]());
  return temporary.path;
}

async function valuesOf(
  path: string,
  signal = new AbortController().signal,
  onBytes: FileRowsOptions["onBytes"] = () => {},
): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { content } of fileRows(path, csv, { signal, onBytes })) {
    found.push("value" in content ? content.value : content.fault);
  }
  return found;
}

/** A process that prints the values of a file, and its standard input. */
function reader(path: string, stdin: "pipe" | number) {
  const rows = join(import.meta.dirname, "../../../src/cli/transfer/files/file-rows.ts");
  const code = `
    const { fileRows } = await import(${JSON.stringify(rows)});
    const options = { signal: new AbortController().signal };
    const values = [];
    for await (const { content } of fileRows(${JSON.stringify(path)}, { kind: "csv" }, options)) values.push(content.value);
    console.log(JSON.stringify(values));`;
  return spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: [stdin, "pipe", "inherit"] });
}

describe("the file of an import", () => {
  test.each([content, gzipSync(content)])("is read with its progress, gzip or not", async (bytes) => {
    const path = join(await folder(), "users.csv");
    await writeFile(path, bytes);
    const progress: unknown[] = [];
    const signal = AbortSignal.timeout(10_000);
    expect(await valuesOf(path, signal, (...seen) => progress.push(seen))).toEqual(values);
    expect(progress).toEqual([[bytes.length, bytes.length]]);
  });

  test("may be a named pipe, which can be read once and has no size", async () => {
    const path = join(await folder(), "pipe");
    execFileSync("mkfifo", [path]);
    createWriteStream(path).end(content);
    expect(await valuesOf(path)).toEqual(values);
  });

  test.each(["-", "/dev/stdin"])("may be standard input: %s", async (path) => {
    const child = reader(path, "pipe");
    child.stdin?.end(gzipSync(content));
    expect(JSON.parse(await text(child.stdout!))).toEqual(values);

    const file = join(await folder(), "users.csv");
    await writeFile(file, content);
    expect(JSON.parse(await text(reader(path, openSync(file, "r")).stdout!))).toEqual(values);
  });

  test("is closed when its reader stops early, and when it is aborted", async () => {
    const path = join(await folder(), "users.csv");
    await writeFile(path, content);
    for await (const row of fileRows(path, csv, { signal: AbortSignal.timeout(10_000) })) {
      expect(row.line).toBe(2);
      break;
    }
    const reason = new Error("stopped");
    await expect(valuesOf(path, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test("is named, with the reason, if it cannot be read", async () => {
    const path = await folder();
    await expect(valuesOf(path)).rejects.toMatchObject({
      name: "StartError",
      message: `${path}: cannot be read: illegal operation on a directory`,
    });
    await expect(valuesOf(`${path}/none`)).rejects.toThrow(
      `${path}/none: cannot be read: no such file or directory`,
    );
    await writeFile(join(path, "secret"), "");
    await chmod(join(path, "secret"), 0);
    const isRoot = process.getuid?.() === 0;
    if (!isRoot) await expect(valuesOf(join(path, "secret"))).rejects.toThrow(/: permission denied$/);
    await mkdir(join(path, "folder"));
    await expect(valuesOf(join(path, "folder/"))).rejects.toThrow(/illegal operation on a directory$/);
  });
});
