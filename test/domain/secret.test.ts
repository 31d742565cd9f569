import { Console } from "node:console";
import { PassThrough } from "node:stream";
import { format, inspect } from "node:util";
import { serialize } from "node:v8";
import { pino } from "pino";
import pretty from "pino-pretty";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { Secret } from "../../src/domain/secret.ts";

const text = "correct horse battery staple";
const secret = new Secret(text);
const holder = { deep: { deeper: { list: [secret], map: new Map([["key", secret]]) } } };

test("a secret is told to who asks for it", () => {
  expect(secret.reveal()).toBe(text);
  const bytes = Buffer.from(text);
  expect(new Secret(bytes).reveal()).toBe(bytes);
});

/** Everything that `print` writes to a stream. */
function written(print: (stream: PassThrough) => void): string {
  const stream = new PassThrough();
  print(stream);
  return String(stream.read() ?? "");
}

const loud = { depth: null, showHidden: true, showProxy: true, getters: true };

describe("a secret reads [redacted]", () => {
  const ways: Readonly<Record<string, (value: unknown) => string>> = {
    "as a text": (value) => String(value),
    "in a template": (value) => `${value}`,
    "added to a text": (value) => `it is ${value as string}`,
    "in a list that is joined": (value) => [value, value].join(),
    "in the message of an error": (value) => new Error(value as string).message,
    "as JSON": (value) => JSON.stringify({ value }),
    "as the key of an object": (value) => Object.keys({ [value as string]: 1 }).join(),
    inspected: (value) => inspect(value, loud),
    "inspected inside others": (value) => inspect({ list: [value], map: new Map([[value, value]]) }, loud),
    formatted: (value) => format("%s %o %O %j %i", value, value, value, value, value),
    "on the console": (value) => written((stream) => new Console(stream).log(value, { value })),
    "in the console's tables": (value) => written((stream) => new Console(stream).table([{ value }])),
    "in the log": (value) => written((stream) => pino(stream).info({ value, list: [value] }, "%s", value)),
    "in the log for people": (value) =>
      written((stream) => pino(pretty({ destination: stream, sync: true })).info({ value }, "%s", value)),
  };

  test.each(Object.entries(ways))("%s", (_way, print) => {
    expect(print(text)).toContain(text);
    const printed = print(secret);
    expect(printed).not.toContain("correct");
    expect(printed).toContain("[redacted]");
  });

  test("however deep it is", () => {
    for (const printed of [inspect(holder, loud), JSON.stringify(holder)]) {
      expect(printed).toContain("[redacted]");
      expect(printed).not.toContain("correct");
    }
  });
});

test("a secret leaves no copy: nothing of it can be listed, spread, cloned or serialised", () => {
  expect(Reflect.ownKeys(secret)).toEqual([]);
  expect({ ...secret }).toEqual({});
  expect(inspect(structuredClone(secret), loud)).toBe("{}");
  expect(serialize(secret).includes("correct")).toBe(false);
});

test("of a configuration nothing secret can be seen", () => {
  const hidden = ["canary-1", "canary-2", "canary-3"];
  const [password, key, path] = hidden;
  const config = loadConfig({
    DATABASE_URL: `postgresql://auth:${password}@127.0.0.1/auth`,
    AUTH_ISSUER: "https://auth.test",
    AUTH_AUDIENCES: "orders",
    AUTH_WRAPPING_KEY: key,
    AUTH_BREACH_CHECK_URL: `https://breaches.example.com/${path}`,
  });
  for (const printed of [inspect(config, loud), JSON.stringify(config)]) {
    expect(printed).toContain("https://auth.test");
    for (const canary of hidden) expect(printed).not.toContain(canary);
  }
});
