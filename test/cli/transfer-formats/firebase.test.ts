import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { firebaseUser, readFirebaseParameters } from "../../../src/cli/transfer/formats/firebase.ts";
import { temporaryFolder } from "../../support/service.ts";
import { readWith } from "./reading.ts";

const parameters = { signerKey: "a2V5", saltSeparator: "Bw==", rounds: "8", memoryCost: "14" };
const read = (value: unknown, withAttributes = false) =>
  readWith(firebaseUser(parameters), value, withAttributes);
const ada = { localId: "2XN5OHKYOBXZXGOBOKNBYIJZN0I2", email: "ada@example.com" };

/** As `firebase auth:export` writes a user, with what only the API itself writes. */
const exported = {
  ...ada,
  emailVerified: true,
  passwordHash: "xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2_k4SsbOu73wlKe1A==",
  salt: "sPtDhWcd1MfdAw==",
  displayName: "Ada",
  photoUrl: "https://example.com/ada.png",
  lastSignedInAt: "1646124112000",
  createdAt: "1646124112345",
  phoneNumber: "+15555550100",
  disabled: false,
  customAttributes: '{"role":"admin","level":3}',
  tenantId: "shop-1",
  mfaInfo: [
    { mfaEnrollmentId: "1", phoneInfo: "+15555550100" },
    { mfaEnrollmentId: "2", totpInfo: {}, displayName: "app" },
  ],
  providerUserInfo: [
    { providerId: "google.com", rawId: "1", email: "ada@example.com" },
    { providerId: "password", rawId: "ada@example.com" },
    { providerId: "phone", rawId: "+15555550100" },
  ],
};

describe("a user of Firebase", () => {
  test("is read, and what is not imported is counted by kind", () => {
    expect(read(exported)).toEqual({
      user: {
        id: "",
        email: "ada@example.com",
        username: "",
        displayName: "Ada",
        attributes: { firebase_uid: "2XN5OHKYOBXZXGOBOKNBYIJZN0I2" },
      },
      createTime: new Date("2022-03-01T08:41:52.345Z"),
      passwordHash:
        "$firescrypt$ln=14,r=8,p=1$sPtDhWcd1MfdAw==$xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2/k4SsbOu73wlKe1A==$Bw==$a2V5",
      leftOut: {
        attributes: 2,
        "verified flags": 1,
        "one-time password secrets": 1,
        "other second factors": 1,
        "external identities": 1,
        "phone numbers": 1,
        pictures: 1,
        tenants: 1,
      },
      keptAs: ["firebase_uid"],
    });
    expect(read(exported, true).user?.attributes).toMatchObject({ role: "admin", level: "3" });
  });

  test.each([
    ["text", "1646124112345", new Date("2022-03-01T08:41:52.345Z")],
    ["a number", 1_646_124_112_345, new Date("2022-03-01T08:41:52.345Z")],
    ["before 1970", "-1", new Date("1969-12-31T23:59:59.999Z")],
    ["null", null, undefined],
  ])("created at milliseconds in %s", (_, createdAt, expected) => {
    expect(read({ ...ada, createdAt })).toMatchObject({ createTime: expected });
  });

  test.each([
    "",
    "2022-03-01T08:41:52Z",
    "1646124112.5",
    1.5,
    "1e3",
    " 1",
    "0x10",
    "999999999999999",
    true,
    ["1"],
  ])("created at %j is refused", (createdAt) => {
    expect(read({ ...ada, createdAt })).toEqual({
      refused: "INVALID_REQUEST createdAt: must be a time of the years 1 to 9999 in milliseconds since 1970",
    });
  });

  test.each([
    [true, { reason: "disabled in Firebase" }],
    ["true", { reason: "disabled in Firebase" }],
    [false, undefined],
    ["false", undefined],
    [null, undefined],
    [undefined, undefined],
  ])("with disabled %j", (disabled, suspension) => {
    expect(read({ ...ada, disabled }).user?.suspension).toEqual(suspension);
  });

  test.each([1, "1", "TRUE", "", {}])("with disabled %j is refused", (disabled) => {
    expect(read({ ...ada, disabled })).toEqual({
      refused: "INVALID_REQUEST disabled: must be true or false",
    });
  });

  test("who has only a phone number is refused with the reason", () => {
    expect(read({ localId: "c", phoneNumber: "+15555550100" })).toEqual({
      refused:
        "INVALID_REQUEST the row: has neither an email nor a username (email); phone numbers are not imported",
    });
  });

  test("whose hash was withheld from the export is refused with the reason", () => {
    expect(read({ ...ada, passwordHash: "UkVEQUNURUQ=", salt: "" })).toEqual({
      refused:
        "PASSWORD_HASH_UNACCEPTABLE passwordHash: is redacted; export with the permission firebaseauth.configs.getHashConfig",
    });
  });

  test("whose claims are not JSON is refused if they are imported", () => {
    const row = { ...ada, customAttributes: "{role:admin}" };
    expect(read(row, true)).toEqual({ refused: "INVALID_REQUEST customAttributes: is not valid JSON" });
    expect(read(row)).toMatchObject({ user: { email: "ada@example.com" } });
    expect(read({ ...ada, customAttributes: "[1]" }, true)).toEqual({
      refused: "INVALID_REQUEST customAttributes: must be an object",
    });
  });
});

test("the parameters of a Firebase project, in either alphabet of base64", async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, "hash_config");
  await writeFile(
    path,
    '{"base64_signer_key":"ab-_+/==","base64_salt_separator":"Bw==","rounds":8,"mem_cost":14}',
  );
  expect(await readFirebaseParameters(path)).toEqual({
    signerKey: "ab+/+/==",
    saltSeparator: "Bw==",
    rounds: "8",
    memoryCost: "14",
  });
  await writeFile(path, "hash_config { rounds: 8 }");
  await expect(readFirebaseParameters(path)).rejects.toThrow("has no base64_signer_key");
});
