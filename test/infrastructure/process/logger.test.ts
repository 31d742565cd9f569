import { join } from "node:path";
import { expect, test } from "vitest";
import { shell } from "../../support/shell.ts";

const logger = join(import.meta.dirname, "../../../src/infrastructure/process/logger.ts");

/** Runs a script with a logger in a process of its own: it writes to standard output. */
async function logged(options: object, script: string): Promise<string> {
  const program = `
    const { createLogger } = await import(${JSON.stringify(logger)});
    const logger = await createLogger(${JSON.stringify(options)});
    ${script}
  `;
  const { stdout, stderr } = await shell(
    `exec '${process.execPath}' --input-type=module -e '${program.replaceAll("'", `'\\''`)}'`,
  );
  expect(stderr).toBe("");
  return stdout;
}

const json = { level: "info", format: "json" };

test("JSON lines have time, level and message, and nothing of the machine", async () => {
  const line = JSON.parse(await logged(json, `logger.info({ a: 1 }, "hello")`));
  expect(line).toEqual({ level: 30, time: expect.stringMatching(/^\d{4}-.*Z$/), a: 1, msg: "hello" });
});

test("a line is one line whatever it holds (log injection)", async () => {
  const output = await logged(json, `logger.info({ name: "a\\n{}" }, "b\\nc")`);
  expect(output.trimEnd().split("\n")).toHaveLength(1);
});

test("an error is what it says and where it comes from, with its causes, and none of its other properties", async () => {
  const output = await logged(
    json,
    `const cause = Object.assign(new Error("inner"), { code: "23505", detail: "Key (email)=(ada) exists", row: { password: "s3cret" } });
     logger.error({ err: Object.assign(new TypeError("outer", { cause }), { values: ["s3cret"] }) }, "failed")`,
  );
  expect(JSON.parse(output).err).toEqual({
    type: "TypeError",
    message: "outer",
    stack: expect.stringContaining("TypeError: outer"),
    cause: { type: "Error", message: "inner", code: "23505", stack: expect.any(String) },
  });
  expect(output).not.toMatch(/s3cret|ada/);
});

test("an error that is its own cause, and something that is none, do no harm", async () => {
  const output = await logged(
    json,
    `const error = new Error("loop"); error.cause = error; logger.error({ err: error }, "a"); logger.error({ err: "s3cret" }, "b")`,
  );
  expect(output.trimEnd().split("\n")).toHaveLength(2);
  expect(output).not.toContain("s3cret");
});

test("the level is kept", async () => {
  expect(
    await logged({ level: "warn", format: "json" }, `logger.info("quiet"); logger.warn("loud")`),
  ).toMatch(/^[^\n]*loud[^\n]*\n$/);
  expect(await logged({ level: "silent", format: "json" }, `logger.error("quiet")`)).toBe("");
});

test("auto is JSON where nobody looks, and pretty is for people", async () => {
  JSON.parse(await logged({ level: "info", format: "auto" }, `logger.info("hello")`));
  expect(await logged({ level: "info", format: "pretty" }, `logger.info({ a: 1 }, "hello")`)).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: hello\n {4}a: 1\n$/,
  );
});
