import { expect, test } from "vitest";
import { secretsShown } from "../support/kept-secrets.ts";
import { newWrappingKey } from "../tokens/two-services.ts";

// What every test that starts the service looks for in all that it has written.

test.each([
  ["a refresh token", `{"msg":"rt1_${"Ab-_".repeat(18)}"}`],
  ["a key of a service account", `Bearer auth_sa_${"0aZ9b".repeat(14)}`],
  ["an access token", `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.${"x".repeat(86)}`],
  ["the hash of a password", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$aGFzaA"],
  ["the hash of a password", `$2b$06$${"a".repeat(53)}`],
  ["a private key", "-----BEGIN PRIVATE KEY-----"],
  ["a private key", `{"kty":"EC","d":"${"x".repeat(43)}"}`],
  ["a URL with a password", "cannot reach postgresql://auth:hunter2@db/auth"],
])("%s is seen in %s", (name, output) => {
  expect(secretsShown(`before ${output} after`)).toEqual([name]);
});

test("a text that is secret is seen, and what is none is not", () => {
  const key = newWrappingKey();
  expect(secretsShown(`AUTH_WRAPPING_KEY=${key}`, [key])).toEqual(["a text that is secret"]);
  expect(secretsShown("postgresql://auth@db:26257/auth?sslmode=verify-full {}", [key])).toEqual([]);
});
