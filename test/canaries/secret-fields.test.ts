import type { DescField } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { settings } from "../../src/config/settings.ts";
import { allMessages, isRedacted } from "./filled-requests.ts";

/** What sounds like a secret. */
const soundsSecret = /password|passphrase|secret|token|hash|credential|pepper|salt|otp|pin\b|(^|_)keys?$/;

/** What sounds like one and is none. */
const none: Readonly<Record<string, string>> = {
  page_token: "a place in a list, sealed, and good for the same list only",
  next_page_token: "a place in a list, sealed, and good for the same list only",
  token_id: "the name of a token (jti), not the token",
};

const isText = ({ scalar }: DescField) => scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
const texts = allMessages().flatMap(({ fields }) => fields.filter(isText));
const suspects = texts.filter(({ name }) => soundsSecret.test(name) && !Object.hasOwn(none, name));

describe("a field of the API that sounds like a secret", () => {
  test.each(suspects.map((field) => [field.toString(), field] as const))("%s is debug_redact", (_, field) => {
    expect(isRedacted(field)).toBe(true);
  });

  test("there are some, and none of those that are redacted sounds like anything else", () => {
    expect(suspects.length).toBeGreaterThanOrEqual(13);
    expect(texts.filter(isRedacted).filter((field) => !suspects.includes(field))).toEqual([]);
  });

  test("the exceptions are there", () => {
    const names = new Set(texts.map(({ name }) => name));
    for (const name of Object.keys(none)) expect(names).toContain(name);
  });
});

test("a setting that sounds like a secret is a file, a length, or one of the three that are", () => {
  const suspicious = Object.keys(settings).filter((name) => /PASSWORD|SECRET|TOKEN|KEY|URL/.test(name));
  const harmless = /_FILE$|_LENGTH$|_ROTATION$|_LIFETIME$/;
  expect(suspicious.filter((name) => !harmless.test(name) && name !== "AUTH_SECOND_FACTOR")).toEqual([
    "DATABASE_URL",
    "AUTH_WRAPPING_KEY",
    "AUTH_BREACH_CHECK_URL",
  ]);
});
