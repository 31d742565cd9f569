import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../../src/domain/secret.ts";
import { parseRecord } from "../../../src/domain/transfer/user-record.ts";
import type { User } from "../../../src/domain/user/user.ts";
import { Argon2PasswordHasher } from "../../../src/infrastructure/crypto/argon2-password-hasher.ts";
import { HashPool } from "../../../src/infrastructure/crypto/hash-pool.ts";
import { toAscii } from "../../../src/infrastructure/text/idna.ts";
import { aCall } from "../../support/calls.ts";
import { type ClockedServices, client, clockedServices } from "../../support/clocked-services.ts";
import { audience, cheapArgon2, otherPassword, password } from "../../support/services.ts";
import { aRow } from "../../support/user-records.ts";

// Made by bcrypt 4.0.1 for Python.
const ofPassword = "$2b$04$WHYkfo91M1Za//uGydxvo.IQKsfbd.O77KYZNvb5P7HRQCqoYoX1y";
const ofDecomposed = "$2b$04$/94Sb2Y3eu8Q1XRuiU.CWeJejw8HRvgjsu7OBZv0n9AtmBmXFqbgS";
const ofNoBreakSpaces = "$2b$04$ifwnkAVTLBrg/ccrX77jqexpdIcGChkv9K0g4CSA7Gtv87CL.YflO";
const of80 = "$2b$04$zgfHBstm267mcEW84IaxlO4G8E.bp4II2DEaHFvlzSpuUTCS6C7tO";

let services: ClockedServices;
let ada: User;

beforeEach(async () => {
  services = await clockedServices();
  ada = await services.create("ada");
});

const moveIn = (hash: string) =>
  services.repository.transaction(aCall(), ({ credentials }) => credentials.put(ada.id, hash));
const kept = async () =>
  (await services.repository.read(aCall()).credentials.find({ kind: "id", id: ada.id }))?.passwordHash;
const verify = async (secret: string) =>
  (await services.authentication.verifyPassword(aCall(), { identifier: "ada", password: new Secret(secret) }))
    .user;
const invalid = { reason: "CREDENTIALS_INVALID", message: "identifier or password is wrong" };
const ours = /^\$argon2id\$v=19\$m=64,t=1,p=1\$/;

describe("a user who was moved in with the hash of another system", () => {
  test("is checked by it, and after the first good check by a hash of ours", async () => {
    await moveIn(ofPassword);
    await expect(verify(otherPassword)).rejects.toMatchObject(invalid);
    expect(await kept()).toBe(ofPassword);
    expect(await verify(password)).toEqual(ada);
    const after = await kept();
    expect(after).toMatch(ours);
    expect(await verify(password)).toEqual(ada);
    expect(await kept()).toBe(after);
    await expect(verify(otherPassword)).rejects.toMatchObject(invalid);
  });

  test("signs in, and the session stays when the hash is replaced", async () => {
    await moveIn(ofPassword);
    const input = { identifier: "ada", password: new Secret(password), audience, client };
    const { tokens } = await services.authentication.authenticate(aCall(), input);
    expect(await kept()).toMatch(ours);
    expect(await services.sessions.refresh(aCall(), tokens.refreshToken)).toMatchObject({
      session: { userId: ada.id },
    });
  });

  test("can change the password", async () => {
    await moveIn(ofPassword);
    const change = { userId: ada.id, keepSessionId: undefined, requestId: undefined };
    await expect(
      services.authentication.changePassword(aCall(), {
        ...change,
        currentPassword: new Secret(otherPassword),
        newPassword: new Secret(password),
      }),
    ).rejects.toMatchObject(invalid);
    await services.authentication.changePassword(aCall(), {
      ...change,
      currentPassword: new Secret(password),
      newPassword: new Secret(otherPassword),
    });
    await verify(otherPassword);
    await expect(verify(password)).rejects.toMatchObject(invalid);
  });

  test.each([
    [
      "with combining marks",
      ofDecomposed,
      "crème brûlée à la carte".normalize("NFD"),
      "crème brûlée à la carte",
    ],
    [
      "with spaces that do not break",
      ofNoBreakSpaces,
      "no\u00a0break\u00a0spaces\u00a0here",
      "no break spaces here",
    ],
  ])(
    "and whose system hashed what was typed, %s, types that once more and then any form of it",
    async (_, hash, typed, prepared) => {
      await moveIn(hash);
      await expect(verify(prepared)).rejects.toMatchObject(invalid);
      await verify(typed);
      expect(await kept()).toMatch(ours);
      await verify(prepared);
      await verify(typed);
    },
  );

  test("and whose system cut the password off has all of it hashed at the first sign-in", async () => {
    await moveIn(of80);
    await expect(verify("x".repeat(80))).rejects.toMatchObject(invalid);
    await moveIn(`$bcrypt-cut${of80}`);
    await verify("x".repeat(80));
    expect(await kept()).toMatch(ours);
    await expect(verify(`${"x".repeat(79)}y`)).rejects.toMatchObject(invalid);
    await expect(verify("x".repeat(72))).rejects.toMatchObject(invalid);
    await verify("x".repeat(80));
  });

  test.each(["!", "*", `!${ofPassword}`])(
    "and whose hash means that there is no password has none: %s",
    async (marker) => {
      const pool = new HashPool({ concurrency: 1, queueLimit: 1, memoryKib: 1_024, unitMs: 1_000 });
      const rules = { passwordHashes: new Argon2PasswordHasher(pool, cheapArgon2), toAscii };
      const identity = { importDigest: "digest", newId: () => ada.id };
      const parsed = await parseRecord(aRow({ passwordHash: marker })(), identity, rules);
      expect(parsed.passwordHash).toBeUndefined();
    },
  );

  test("whose password holds what no password of ours may hold has to set another", async () => {
    await moveIn(ofPassword);
    await expect(verify(`${password}\0`)).rejects.toMatchObject(invalid);
    await expect(verify(`${password}\t`)).rejects.toMatchObject(invalid);
    expect(await kept()).toBe(ofPassword);
  });
});
