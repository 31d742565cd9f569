import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { faultsOf } from "../support/faults-of.ts";

/** What a service on a database that it shares must be told at least. */
const shared = {
  DATABASE_URL: "postgresql://db/auth?sslmode=verify-full",
  AUTH_ISSUER: "https://auth.example.com",
  AUTH_AUDIENCES: "orders,https://bills.example.com",
  AUTH_WRAPPING_KEY_FILE: "/run/secrets/wrapping-key",
};

describe("on a database that is shared", () => {
  test("issuer, audiences and wrapping key are as they are said", () => {
    const { issuer, audiences, wrappingKeys } = loadConfig(shared);
    expect(issuer).toBe("https://auth.example.com");
    expect(audiences).toEqual(new Set(["orders", "https://bills.example.com"]));
    expect(wrappingKeys).toEqual({ file: "/run/secrets/wrapping-key" });
    const { AUTH_WRAPPING_KEY_FILE: _, ...others } = shared;
    const source = loadConfig({ ...others, AUTH_WRAPPING_KEY: "k1,k2" }).wrappingKeys;
    expect("value" in source && source.value.reveal()).toBe("k1,k2");
  });

  test.each([
    ["AUTH_ISSUER", "AUTH_ISSUER must be set with DATABASE_URL"],
    ["AUTH_AUDIENCES", "AUTH_AUDIENCES must be set with DATABASE_URL"],
    [
      "AUTH_WRAPPING_KEY_FILE",
      "AUTH_WRAPPING_KEY_FILE (or AUTH_WRAPPING_KEY) must be set with DATABASE_URL: create a key with openssl rand -base64 32",
    ],
  ])("%s must be said", (name, fault) => {
    const { [name as keyof typeof shared]: _, ...others } = shared;
    expect(faultsOf(others)).toEqual([fault]);
  });

  test("all that is missing is said at once", () => {
    expect(faultsOf({ DATABASE_URL: shared.DATABASE_URL })).toHaveLength(3);
  });

  test("a wrapping key that is empty is one that is missing", () => {
    for (const name of ["AUTH_WRAPPING_KEY_FILE", "AUTH_WRAPPING_KEY"]) {
      expect(faultsOf({ ...shared, AUTH_WRAPPING_KEY_FILE: "", [name]: "" })).toHaveLength(1);
    }
  });
});

describe("without one", () => {
  test("the issuer is where HTTP is served, and the wrapping key is made beside the data", () => {
    const { issuer, wrappingKeys } = loadConfig({ AUTH_HTTP_ADDRESS: "localhost:1", AUTH_DATA_DIR: "/data" });
    expect(issuer).toBe("http://localhost:1");
    expect(wrappingKeys).toEqual({ madeIn: "/data" });
  });

  test("all may be said as well", () => {
    const { DATABASE_URL: _, ...others } = shared;
    const { issuer, audiences, wrappingKeys } = loadConfig(others);
    expect({ issuer, count: audiences.size, wrappingKeys }).toEqual({
      issuer: shared.AUTH_ISSUER,
      count: 2,
      wrappingKeys: { file: shared.AUTH_WRAPPING_KEY_FILE },
    });
  });
});

// OpenFGA CVE-2026-55689: audiences that were not checked where they were empty.
describe.each([
  ["with a database", shared],
  ["without", {}],
])("an empty name is none that was left out, %s", (_with, env) => {
  test.each(["AUTH_ISSUER", "AUTH_AUDIENCES"])("%s", (name) => {
    const faults = faultsOf({ ...env, [name]: "" });
    expect(faults).toContain(`${name} is empty: set a value or unset the variable`);
    expect(faults.every((fault) => fault.startsWith(name))).toBe(true);
  });
});

describe("an issuer", () => {
  test.each([
    "https://auth.example.com",
    "http://localhost:8080",
    "https://auth.example.com/tenants/1",
    "https://[::1]:8443",
    "https://xn--bcher-kva.example",
  ])("may be %s, and stays as it is written", (issuer) => {
    expect(loadConfig({ AUTH_ISSUER: issuer }).issuer).toBe(issuer);
  });

  test.each([
    ["auth.example.com", "must be an http(s):// URL"],
    ["ftp://auth.example.com", "must be an http(s):// URL"],
    ["https:auth.example.com", "must be an http(s):// URL"],
    ["https://", "must be an http(s):// URL"],
    ["https://a b", "must be an http(s):// URL"],
    [" ", "must be an http(s):// URL"],
    ["https://auth.example.com?tenant=1", "must not have a query or fragment"],
    ["https://auth.example.com?", "must not have a query or fragment"],
    ["https://auth.example.com/#x", "must not have a query or fragment"],
    ["https://auth.example.com/", "must not end with a slash"],
    ["https://auth.example.com/tenants/", "must not end with a slash"],
    ["https://auth.example.com/a b", "must be at most 512 ASCII characters without spaces"],
    ["https://bücher.example", "must be at most 512 ASCII characters without spaces"],
    [`https://auth.example.com/${"a".repeat(512)}`, "must be at most 512 ASCII characters without spaces"],
  ])("may not be %s", (issuer, fault) => {
    const faults = faultsOf({ AUTH_ISSUER: issuer });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^AUTH_ISSUER /);
    expect(faults[0]).toContain(fault);
  });
});

describe("audiences", () => {
  test.each([
    ["orders", ["orders"]],
    ["orders,bills", ["orders", "bills"]],
    ["https://orders.example.com/,urn:bills", ["https://orders.example.com/", "urn:bills"]],
    ["orders,orders", ["orders"]],
    ["a".repeat(256), ["a".repeat(256)]],
  ])("may be %s", (text, audiences) => {
    expect(loadConfig({ AUTH_AUDIENCES: text }).audiences).toEqual(new Set(audiences));
  });

  test.each([
    " ",
    "orders, bills",
    "orders bills",
    " orders",
    "orders,",
    ",orders",
    "orders,,bills",
    "orders\n",
    "bücher",
    "a".repeat(257),
    Array(101).fill("a").join(),
  ])("may not be %j", (text) => {
    expect(faultsOf({ AUTH_AUDIENCES: text })).toEqual([
      "AUTH_AUDIENCES must be names separated by commas, without spaces",
    ]);
  });
});

describe("times", () => {
  test("are read into what they are for", () => {
    const { signing, sessionLimits } = loadConfig({
      AUTH_SIGNING_ALGORITHM: "EdDSA",
      AUTH_SIGNING_KEY_ROTATION: "3m",
      AUTH_JWKS_MAX_AGE: "1m",
      AUTH_ACCESS_TOKEN_LIFETIME: "2m",
      AUTH_SESSION_IDLE: "5m",
      AUTH_SESSION_ABSOLUTE: "6m",
      AUTH_REFRESH_LEEWAY: "2s",
    });
    expect(signing).toEqual({
      algorithm: "EdDSA",
      rotationMs: 180_000,
      maxAgeMs: 60_000,
      tokenLifetimeMs: 120_000,
    });
    expect(sessionLimits).toEqual({ idleMs: 300_000, absoluteMs: 360_000, leewayMs: 2_000, perUser: 100 });
  });

  test("may be equal where one must not be longer", () => {
    const env = { AUTH_ACCESS_TOKEN_LIFETIME: "1h", AUTH_SESSION_IDLE: "1h", AUTH_SESSION_ABSOLUTE: "1h" };
    expect(faultsOf(env)).toEqual([]);
    const leeway = { AUTH_ACCESS_TOKEN_LIFETIME: "1m", AUTH_SESSION_IDLE: "1m", AUTH_REFRESH_LEEWAY: "1m" };
    expect(faultsOf(leeway)).toEqual([]);
    expect(faultsOf({ AUTH_SIGNING_KEY_ROTATION: "15m" })).toEqual([]);
  });

  test.each([
    "AUTH_SIGNING_KEY_ROTATION",
    "AUTH_JWKS_MAX_AGE",
    "AUTH_ACCESS_TOKEN_LIFETIME",
    "AUTH_SESSION_IDLE",
    "AUTH_SESSION_ABSOLUTE",
  ])("%s is a second at least", (name) => {
    for (const text of ["0s", "999ms"])
      expect(faultsOf({ [name]: text })).toContain(`${name} must be at least 1s`);
    expect(faultsOf({ [name]: "1s" }).filter((fault) => fault.includes("at least 1s"))).toEqual([]);
  });

  test("a used refresh token is answered for as long as the service may try to find out whether it was", () => {
    expect(loadConfig({ AUTH_REFRESH_LEEWAY: "2s" }).sessionLimits.leewayMs).toBe(2_000);
    for (const text of ["0s", "1999ms"]) {
      expect(faultsOf({ AUTH_REFRESH_LEEWAY: text })[0]).toMatch(/^AUTH_REFRESH_LEEWAY must be at least 2s/);
    }
  });
});
