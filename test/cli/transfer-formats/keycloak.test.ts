import { describe, expect, test } from "vitest";
import { keycloakUser } from "../../../src/cli/transfer/formats/keycloak.ts";
import { readWith } from "./reading.ts";

const read = (value: unknown, withAttributes = false) => readWith(keycloakUser, value, withAttributes);
const id = "d2f7b1f0-7a39-4a1f-8f67-93a8f4f5c001";

/** As `kc.sh export --users realm_file` of Keycloak 26 writes a user. */
const exported = {
  id,
  username: "ada",
  firstName: "Ada",
  lastName: "Lovelace",
  email: "ada@example.com",
  emailVerified: true,
  attributes: { locale: ["en"], team: ["engines", "notes"], empty: [] },
  createdTimestamp: 1_420_167_845_678,
  enabled: true,
  totp: true,
  credentials: [
    {
      id: "0d0e2c67-6f5e-4a5b-8f0e-5f2c2b9a1c11",
      type: "password",
      createdDate: 1_690_000_000_000,
      secretData: '{"value":"aGFzaA==","salt":"c2FsdA==","additionalParameters":{}}',
      credentialData: '{"hashIterations":210000,"algorithm":"pbkdf2-sha512","additionalParameters":{}}',
    },
    { type: "otp", userLabel: "phone", secretData: '{"value":"s"}', credentialData: '{"subType":"totp"}' },
    { type: "webauthn", secretData: "{}", credentialData: "{}" },
    { type: "webauthn-passwordless", secretData: "{}", credentialData: "{}" },
    { type: "recovery-authn-codes", secretData: "{}", credentialData: "{}" },
    { type: "password-history", secretData: "{}", credentialData: "{}" },
    { type: "kerberos" },
  ],
  disableableCredentialTypes: [],
  requiredActions: ["UPDATE_PASSWORD", "CONFIGURE_TOTP"],
  federatedIdentities: [{ identityProvider: "google", userId: "1", userName: "ada" }],
  federationLink: "ldap",
  realmRoles: ["default-roles-shop"],
  clientRoles: { account: ["view-profile", "manage-account"], web: ["buyer"] },
  clientConsents: [{ clientId: "web", grantedClientScopes: ["email"] }],
  notBefore: 0,
  groups: ["/staff", "/staff/engines"],
};

describe("a user of Keycloak", () => {
  test("is read, and what is not imported is counted by kind", () => {
    expect(read(exported)).toEqual({
      user: { id, email: "ada@example.com", username: "ada", displayName: "Ada Lovelace", attributes: {} },
      createTime: new Date("2015-01-02T03:04:05.678Z"),
      passwordHash: JSON.stringify({
        credentialData: exported.credentials[0]?.credentialData,
        secretData: exported.credentials[0]?.secretData,
      }),
      leftOut: {
        attributes: 3,
        groups: 2,
        roles: 4,
        "required actions": 2,
        consents: 1,
        "one-time password secrets": 1,
        "recovery codes": 1,
        passkeys: 2,
        "former passwords": 1,
        "other credentials": 1,
        "verified flags": 1,
        "external identities": 2,
      },
      keptAs: [],
    });
  });

  test("keeps attributes on request: one value as it is, several as JSON", () => {
    const { user, leftOut } = read(exported, true);
    expect(user?.attributes).toEqual({ locale: "en", team: '["engines","notes"]' });
    expect(leftOut).not.toHaveProperty("attributes");
  });

  test.each([
    ["true", { enabled: true }, false],
    ['"true"', { enabled: "true" }, false],
    ["false", { enabled: false }, true],
    ['"false"', { enabled: "false" }, true],
    ["null", { enabled: null }, true],
    ["missing", {}, true],
  ])("with enabled %s", (_, fields, isSuspended) => {
    const { user } = read({ username: "ada", ...fields });
    expect(user?.suspension).toEqual(isSuspended ? { reason: "disabled in Keycloak" } : undefined);
  });

  test.each([0, 1, "", "no", "False", "TRUE", " true", [], [true], {}])(
    "with enabled %j is refused",
    (enabled) => {
      expect(read({ username: "ada", enabled })).toEqual({
        refused: "INVALID_REQUEST enabled: must be true or false",
      });
    },
  );

  test.each([
    ["a string", "1420167845678"],
    ["RFC 3339", "2015-01-02T03:04:05Z"],
    ["a fraction", 1.5],
    ["a boolean", true],
    ["a list", [1_420_167_845_678]],
    ["beyond the year 9999", 253_402_300_800_000],
    ["beyond any date", 1e300],
  ])("is refused with createdTimestamp %s", (_, createdTimestamp) => {
    expect(read({ username: "ada", createdTimestamp })).toEqual({
      refused:
        "INVALID_REQUEST createdTimestamp: must be a time of the years 1 to 9999 in milliseconds since 1970",
    });
  });

  test("of a client is skipped as a service account, whatever else it has", () => {
    const row = { username: "service-account-web", enabled: "maybe", serviceAccountClientId: "web" };
    expect(read(row)).toEqual({ skipped: "service accounts" });
    // A person may have such a name.
    expect(read({ username: "service-account-web", enabled: true })).toHaveProperty("user");
  });

  test.each([
    ["the email", "ADA@example.com", "ada@example.com", { email: "ada@example.com", username: "" }, []],
    [
      "an old email",
      "old@example.com",
      "ada@example.com",
      {
        email: "ada@example.com",
        username: "",
        attributes: { keycloak_username: "old@example.com" },
      },
      ["keycloak_username"],
    ],
    ["all that there is", "ada@example.com", undefined, { email: "ada@example.com", username: "" }, []],
  ])("whose username is %s", (_, username, email, expected, keptAs) => {
    expect(read({ username, email, enabled: true })).toMatchObject({ user: expected, keptAs });
  });

  test.each([
    ["a version that exists", "019a2b3c-4d5e-7f60-8123-456789abcdef", true],
    ["upper case", id.toUpperCase(), true],
    ["version 0", "d2f7b1f0-7a39-0a1f-8f67-93a8f4f5c001", false],
    ["version 9", "d2f7b1f0-7a39-9a1f-8f67-93a8f4f5c001", false],
    ["another variant", "d2f7b1f0-7a39-4a1f-cf67-93a8f4f5c001", false],
    ["the nil UUID", "00000000-0000-0000-0000-000000000000", false],
    ["the max UUID", "ffffffff-ffff-ffff-ffff-ffffffffffff", false],
    ["an id of a federation", "f:d2f7b1f0-7a39-4a1f-8f67-93a8f4f5c001:77", false],
  ])("keeps its id or gets a new one: %s", (_, given, isKept) => {
    expect(read({ id: given, username: "ada", enabled: true })).toMatchObject(
      isKept
        ? { user: { id: given, attributes: {} }, keptAs: [] }
        : { user: { id: "", attributes: { keycloak_id: given } }, keptAs: ["keycloak_id"] },
    );
  });

  test("has no attribute overwritten by its former id", () => {
    const row = { id: "f:1:2", username: "ada", attributes: { keycloak_id: ["x"] } };
    expect(read(row, true)).toEqual({
      refused: "INVALID_REQUEST attributes.keycloak_id: is reserved for a value of the import",
    });
  });

  test("of a release before 8 has the parts of its hash side by side", () => {
    const password = { type: "password", hashedSaltedValue: "aA==", salt: "cw==", hashIterations: 27_500 };
    const credentials = [{ ...password, algorithm: "pbkdf2-sha256", digits: 0, counter: 0 }];
    expect(JSON.parse(read({ username: "ada", credentials }).passwordHash ?? "")).toEqual({
      credentialData: { hashIterations: 27_500, algorithm: "pbkdf2-sha256" },
      secretData: { value: "aA==", salt: "cw==" },
    });
  });

  test("with a plain password is refused, without the password", () => {
    const credentials = [{ type: "password", value: "hunter2", temporary: true }];
    expect(read({ username: "ada", credentials })).toEqual({
      refused: "PASSWORD_HASH_UNACCEPTABLE credentials.value: is a plain password; only hashes are imported",
    });
  });

  test.each([
    [{ username: 5 }, "username: must be a string"],
    [{ username: "ada", email: ["a@example.com"] }, "email: must be a string"],
    [{ username: "ada", firstName: {} }, "firstName: must be a string"],
    [{ username: "ada", id: 7 }, "id: must be a string"],
    [{ username: "ada", credentials: {} }, "credentials: must be a list"],
    [{ username: "ada", credentials: [5] }, "credentials: must be an object"],
    [{ username: "ada", attributes: "x" }, "attributes: must be an object"],
    [
      { username: "ada", attributes: { n: [2 ** 53] } },
      "attributes.n: has a number too large to be exact; write it as a string",
    ],
    [{ enabled: true }, "the row: has neither an email nor a username (email, username)"],
    [[], "the row: must be an object"],
    [null, "the row: must be an object"],
    ["ada", "the row: must be an object"],
  ])("is refused if it is %j", (row, message) => {
    expect(read(row, true)).toEqual({ refused: `INVALID_REQUEST ${message}` });
  });

  test("with junk in what is not imported is imported", () => {
    const junk = {
      groups: 5,
      realmRoles: "x",
      clientRoles: "abc",
      federatedIdentities: null,
      clientConsents: {},
    };
    expect(
      read({ username: "ada", enabled: true, attributes: 5, emailVerified: "maybe", ...junk }),
    ).toMatchObject({
      user: { username: "ada" },
      leftOut: {},
    });
  });

  test("keeps an attribute named like a member of every object", () => {
    const row = JSON.parse('{"username":"ada","attributes":{"__proto__":["x"],"constructor":["y"]}}');
    expect(Object.entries(read(row, true).user?.attributes ?? {})).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });
});
