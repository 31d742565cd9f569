import { describe, expect, test } from "vitest";
import { kratosIdentity } from "../../../src/cli/transfer/formats/kratos.ts";
import { readWith } from "./reading.ts";

const read = (value: unknown, withAttributes = false) => readWith(kratosIdentity, value, withAttributes);
const id = "9f425a8d-7efc-4768-8f23-7647a74fdf13";
const hash = "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw";
const password = (identifiers: unknown, config: object = { hashed_password: hash }) => ({
  password: { type: "password", identifiers, config, version: 0 },
});

/** As the admin API writes an identity with all of its credentials. */
const exported = {
  id,
  schema_id: "default",
  schema_url: "https://auth.example.com/schemas/default",
  state: "active",
  state_changed_at: "2021-03-04T05:06:07Z",
  traits: {
    email: "ada@example.com",
    username: "ada",
    name: { first: "Ada", last: "Lovelace" },
    phone: "+15555550100",
    newsletter: true,
  },
  verifiable_addresses: [
    { id: "1", value: "ada@example.com", verified: true, via: "email", status: "completed" },
    { id: "2", value: "+15555550100", verified: false, via: "sms", status: "pending" },
  ],
  recovery_addresses: [{ id: "3", value: "ada@example.com", via: "email" }],
  metadata_public: { team: "engines", level: 3, tags: ["a", "b"], none: null },
  metadata_admin: { note: "x" },
  created_at: "2021-03-04T05:06:07.123456Z",
  updated_at: "2021-03-04T05:06:07.123456Z",
  organization_id: null,
  credentials: {
    ...password(["ada@example.com", "ada", "second@example.com"]),
    totp: { type: "totp", identifiers: [id], config: { totp_url: "otpauth://totp/x" }, version: 0 },
    lookup_secret: {
      type: "lookup_secret",
      identifiers: [id],
      config: { recovery_codes: [{ code: "a" }, { code: "b" }] },
    },
    webauthn: { type: "webauthn", identifiers: ["x"], config: { credentials: [{ id: "k" }] }, version: 1 },
    passkey: { type: "passkey", identifiers: ["x"], version: 0 },
    oidc: {
      type: "oidc",
      identifiers: ["google:1", "github:2"],
      config: {
        providers: [
          { subject: "1", provider: "google" },
          { subject: "2", provider: "github" },
        ],
      },
    },
    code: { type: "code", identifiers: ["ada@example.com"] },
    profile: { type: "profile", identifiers: [] },
  },
};

describe("an identity of Kratos", () => {
  test("is read, and what is not imported is counted by kind", () => {
    expect(read(exported)).toEqual({
      user: { id, email: "ada@example.com", username: "ada", displayName: "Ada Lovelace", attributes: {} },
      createTime: new Date("2021-03-04T05:06:07.123Z"),
      passwordHash: hash,
      leftOut: {
        attributes: 5,
        traits: 2,
        "one-time password secrets": 1,
        "recovery codes": 2,
        passkeys: 2,
        "external identities": 2,
        "other credentials": 1,
        "verified flags": 1,
        "phone numbers": 1,
        "further identifiers": 1,
      },
      keptAs: [],
    });
  });

  test("whose name has other parts is imported without it, and that is counted", () => {
    expect(read({ traits: { username: "ada", name: { given: "Ada" } } })).toMatchObject({
      user: { displayName: "" },
      leftOut: { traits: 1 },
    });
    expect(read({ traits: { username: "ada", name: "Ada" } })).toMatchObject({
      user: { displayName: "Ada" },
      leftOut: {},
    });
  });

  test("keeps public metadata on request: text as it is, all else as JSON", () => {
    const { user, leftOut } = read(exported, true);
    expect(user?.attributes).toEqual({ team: "engines", level: "3", tags: '["a","b"]' });
    expect(leftOut).toMatchObject({ attributes: 1 });
  });

  test.each<[string, object, object]>([
    [
      "by another name",
      { traits: { mail: "ada@example.com" }, credentials: password(["ada@example.com"]) },
      { email: "ada@example.com", username: "" },
    ],
    [
      "of which the password has a username",
      { traits: { login: "ada", email: "ada@example.com" }, credentials: password(["ada"]) },
      { email: "ada@example.com", username: "ada" },
    ],
    [
      "of which the password has both",
      { traits: { contact: {} }, credentials: password(["ada", "ada@example.com"]) },
      { email: "ada@example.com", username: "ada" },
    ],
    [
      "without a password, with an address",
      {
        traits: { contact: "x" },
        verifiable_addresses: [
          { value: "+1555", via: "sms" },
          { value: "ada@example.com", via: "email" },
        ],
      },
      { email: "ada@example.com", username: "" },
    ],
    [
      "missing, of a list without credentials",
      { traits: { email: "ada@example.com" }, credentials: null, verifiable_addresses: null },
      { email: "ada@example.com", username: "" },
    ],
  ])("with traits %s", (_, identity, expected) => {
    expect(read(identity)).toMatchObject({ user: expected });
  });

  test("without identifiers is refused with the places where they were looked for", () => {
    expect(
      read({ id, traits: { phone: "+1555" }, verifiable_addresses: [{ value: "+1555", via: "sms" }] }),
    ).toEqual({
      refused:
        "INVALID_REQUEST the row: has neither an email nor a username (traits.email, traits.username, credentials.password.identifiers, verifiable_addresses of emails); phone numbers are not imported",
    });
  });

  test.each([
    ["active", undefined],
    ["inactive", { reason: "inactive in Kratos" }],
    [undefined, undefined],
    [null, undefined],
    ["", undefined],
  ])("in state %j", (state, suspension) => {
    expect(read({ traits: { username: "ada" }, state }).user?.suspension).toEqual(suspension);
  });

  test.each(["Inactive", "disabled", "blocked", "inactive "])("in state %j is refused", (state) => {
    expect(read({ traits: { username: "ada" }, state })).toEqual({
      refused: "INVALID_REQUEST state: must be active or inactive",
    });
  });

  test.each([
    ["Go's zero time", "0001-01-01T00:00:00Z", undefined],
    ["a time with an offset", "2021-03-04T05:06:07+02:00", new Date("2021-03-04T03:06:07Z")],
    ["the second after it", "0001-01-01T00:00:01Z", new Date("0001-01-01T00:00:01Z")],
    ["null", null, undefined],
  ])("created at %s", (_, created_at, expected) => {
    expect(read({ traits: { username: "ada" }, created_at })).toMatchObject({ createTime: expected });
  });

  test.each([
    "2021-02-31T00:00:00Z",
    "2021-03-04T05:06:07",
    "2021-03-04 05:06:07",
    "1609459200",
    1609459200000,
    {},
  ])("created at %j is refused", (created_at) => {
    expect(read({ traits: { username: "ada" }, created_at }).refused).toMatch(
      /^INVALID_REQUEST created_at: must be a time of the years 1 to 9999 in RFC 3339 with an offset, such as "/,
    );
  });

  test("with a plain password is refused, without the password", () => {
    const credentials = password(["ada"], { password: "hunter2" });
    expect(read({ traits: {}, credentials })).toEqual({
      refused:
        "PASSWORD_HASH_UNACCEPTABLE credentials.password.config.password: is a plain password; only hashes are imported",
    });
  });

  test.each([
    [{ traits: { email: 5 } }, "traits.email: must be a string"],
    [{ traits: { email: ["a@example.com"] } }, "traits.email: must be a string"],
    [{ traits: { username: "a", name: ["x"] } }, "traits.name: must be an object"],
    [{ traits: { username: "a", name: { first: 1 } } }, "traits.name.first: must be a string"],
    [{ traits: [] }, "traits: must be an object"],
    [{ traits: {}, state: true }, "state: must be a string"],
    [{ traits: {}, credentials: { password: "x" } }, "credentials.password: must be an object"],
    [{ credentials: password("ada") }, "credentials.password.identifiers: must be a list"],
    [{ credentials: password([5]) }, "credentials.password.identifiers: must be a list of strings"],
    [
      { credentials: password(["ada"], { hashed_password: 5 }) },
      "credentials.password.config.hashed_password: must be a string",
    ],
  ])("is refused if it is %j", (row, message) => {
    expect(read(row)).toEqual({ refused: `INVALID_REQUEST ${message}` });
  });

  test("keeps an id that is not a UUID of RFC 9562 as an attribute", () => {
    const old = "9f425a8d-7efc-0768-8f23-7647a74fdf13";
    expect(read({ id: old, traits: { username: "ada" } })).toMatchObject({
      user: { id: "", attributes: { kratos_id: old } },
      keptAs: ["kratos_id"],
    });
  });
});
