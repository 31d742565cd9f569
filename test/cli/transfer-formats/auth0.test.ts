import { describe, expect, test } from "vitest";
import { auth0User } from "../../../src/cli/transfer/formats/auth0.ts";
import { readWith } from "./reading.ts";

const read = (value: unknown, withAttributes = false) => readWith(auth0User, value, withAttributes);
const bcrypt = "$2b$10$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6";
const ada = { email: "ada@example.com" };

/** As support writes the export of password hashes. */
const exported = {
  _id: { $oid: "5dea9f9c82dd7c0e76e4ec93" },
  email_verified: true,
  email: "ada@example.com",
  passwordHash: bcrypt,
  password_set_date: { $date: "2019-12-06T18:36:12.412Z" },
  tenant: "shop",
  connection: "Username-Password-Authentication",
  _tmp_is_unique: true,
  identifiers: [
    { type: "email", value: "ada@example.com", verified: true },
    { type: "phone", value: "+15555550100", verified: false },
  ],
};

/** A user of the schema of bulk imports. */
const bulk = {
  user_id: "ada-1",
  email: "ada@example.com",
  email_verified: true,
  phone_number: "+15555550100",
  phone_verified: true,
  username: "ada",
  given_name: "Ada",
  family_name: "Lovelace",
  picture: "https://example.com/ada.png",
  blocked: false,
  password_hash: bcrypt,
  app_metadata: { plan: "full", seats: 3, roles: ["a", "b"] },
  user_metadata: { colour: "red" },
  mfa_factors: [{ totp: { secret: "JBTWY3DPEHPK3PNP" } }, { phone: { value: "+15555550100" } }],
  identities: [
    { provider: "auth0", user_id: "ada-1", connection: "Username-Password-Authentication" },
    { provider: "google-oauth2", user_id: "1", connection: "google-oauth2", isSocial: true },
  ],
};

describe("a user of Auth0", () => {
  test("of the export of hashes", () => {
    expect(read(exported)).toEqual({
      user: {
        id: "",
        email: "ada@example.com",
        username: "",
        displayName: "",
        attributes: { auth0_user_id: "auth0|5dea9f9c82dd7c0e76e4ec93" },
      },
      createTime: undefined,
      passwordHash: bcrypt,
      leftOut: { "verified flags": 1, "phone numbers": 1 },
      keptAs: ["auth0_user_id"],
    });
  });

  test("of the schema of bulk imports, and what is not imported is counted by kind", () => {
    expect(read(bulk)).toEqual({
      user: {
        id: "",
        email: "ada@example.com",
        username: "ada",
        displayName: "Ada Lovelace",
        attributes: { auth0_user_id: "ada-1" },
      },
      createTime: undefined,
      passwordHash: bcrypt,
      leftOut: {
        attributes: 4,
        "verified flags": 2,
        "one-time password secrets": 1,
        "other second factors": 1,
        "external identities": 1,
        "phone numbers": 1,
        pictures: 1,
      },
      keptAs: ["auth0_user_id"],
    });
    expect(read(bulk, true).user?.attributes).toEqual({
      plan: "full",
      seats: "3",
      roles: '["a","b"]',
      auth0_user_id: "ada-1",
    });
  });

  test.each([
    ["user_id", { user_id: "auth0|x", alt_id: "y", _id: { $oid: "z" } }, "auth0|x"],
    ["alt_id", { alt_id: "euclid", _id: { $oid: "z" } }, "auth0|euclid"],
    ["_id.$oid", { _id: { $oid: "z" } }, "auth0|z"],
    ["_id as text", { _id: "z" }, "auth0|z"],
    ["user_id of another connection", { user_id: "google-oauth2|1" }, "google-oauth2|1"],
  ])("has its id from %s", (_, fields, expected) => {
    expect(read({ ...ada, ...fields }).user?.attributes).toEqual({ auth0_user_id: expected });
  });

  test("without an id keeps none", () => {
    expect(read(ada)).toMatchObject({ user: { attributes: {} }, keptAs: [] });
  });

  test("has its identifiers from `identifiers` if they are missing elsewhere", () => {
    const identifiers = [
      { type: "username", value: "ada" },
      { type: "email", value: "ada@example.com" },
      { type: "email", value: "second@example.com", verified: true },
    ];
    expect(read({ identifiers })).toMatchObject({
      user: { email: "ada@example.com", username: "ada" },
      leftOut: { "further identifiers": 1, "verified flags": 1 },
    });
  });

  test.each([
    ["RFC 3339", "2021-03-05T16:33:40.000Z"],
    ["a date of mongoexport", { $date: "2021-03-05T16:33:40Z" }],
    ["milliseconds of mongoexport", { $date: { $numberLong: "1614962020000" } }],
  ])("has its time from %s", (_, created_at) => {
    expect(read({ ...ada, created_at }).createTime).toEqual(new Date("2021-03-05T16:33:40Z"));
  });

  test.each([
    1614962020000,
    "1614962020000",
    "2021-02-31T00:00:00Z",
    "2021-03-05T16:33:40",
    "2021-03-05",
    true,
    [],
    {},
    { $date: 1614962020000 },
    { $date: "2021-03-05T16:33:40.000+0000" },
    { $date: { $numberLong: "soon" } },
    { $date: { $numberLong: "99999999999999999999" } },
    { $date: {} },
  ])("with created_at %j is refused", (created_at) => {
    expect(read({ ...ada, created_at }).refused).toMatch(/^INVALID_REQUEST created_at: must be /);
  });

  test.each([
    [true, { reason: "blocked in Auth0" }],
    ["true", { reason: "blocked in Auth0" }],
    [false, undefined],
    ["false", undefined],
    [null, undefined],
    [undefined, undefined],
  ])("with blocked %j", (blocked, suspension) => {
    expect(read({ ...ada, blocked }).user?.suspension).toEqual(suspension);
  });

  test.each([1, 0, "yes", "", {}, []])("with blocked %j is refused", (blocked) => {
    expect(read({ ...ada, blocked })).toEqual({ refused: "INVALID_REQUEST blocked: must be true or false" });
  });

  test.each([
    [{ ...ada, _id: { $oid: 5 } }, "_id.$oid: must be a string"],
    [{ ...ada, _id: 5 }, "_id: must be an object"],
    [{ ...ada, name: ["Ada"] }, "name: must be a string"],
    [{ email: 5 }, "email: must be a string"],
    [{ ...ada, passwordHash: {} }, "passwordHash: must be a string"],
    [{ identifiers: [{ type: "email", value: 5 }] }, "identifiers.value: must be a string"],
    [
      { phone_number: "+1555" },
      "the row: has neither an email nor a username (email, username, identifiers); phone numbers are not imported",
    ],
  ])("is refused if it is %j", (row, message) => {
    expect(read(row)).toEqual({ refused: `INVALID_REQUEST ${message}` });
  });

  test.each<[object, string]>([
    [{ algorithm: "md4", hash: { value: "00" } }, "algorithm: is not supported"],
    [{ hash: { value: "00" } }, "algorithm: is not supported"],
    [{ algorithm: "md5", hash: { value: "0g" } }, "hash.value: is not hex"],
    [{ algorithm: "md5", hash: { value: "000" } }, "hash.value: is not hex"],
    [{ algorithm: "sha1", hash: { value: "!", encoding: "base64" } }, "hash.value: is not base64"],
    [
      { algorithm: "sha1", hash: { value: "00", encoding: "base85" } },
      "hash.encoding: must be base64, hex or utf8",
    ],
    [
      { algorithm: "sha1", hash: { value: "00" }, salt: { value: "s", position: "middle" } },
      "salt.position: must be prefix or suffix",
    ],
    [
      { algorithm: "md5", hash: { value: "00" }, password: { encoding: "utf16le" } },
      "password.encoding: is not supported; passwords are hashed as UTF-8",
    ],
    [{ algorithm: "scrypt", hash: { value: "00" }, cost: "16384" }, "cost: must be a positive whole number"],
  ])("with the hash %j is refused", (custom_password_hash, message) => {
    expect(read({ ...ada, custom_password_hash })).toEqual({
      refused: `PASSWORD_HASH_UNACCEPTABLE custom_password_hash.${message}`,
    });
  });
});
