import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { SigningAlgorithm, SigningKeyRow } from "../../../src/domain/signing-key/signing-key.ts";
import { signJws, verifyJws } from "../../../src/infrastructure/crypto/jws-signatures.ts";
import { keyPairOf, NodeSigningKeyPairs } from "../../../src/infrastructure/crypto/signing-key-pairs.ts";
import { WrappingKeys } from "../../../src/infrastructure/crypto/wrapping-keys.ts";
import { newWrappingKey } from "./opened-signing-key.ts";

const [oldText, newText] = [newWrappingKey(), newWrappingKey()];
const wrappingKeys = WrappingKeys.parse(oldText);
const pairs = new NodeSigningKeyPairs(wrappingKeys);

function newRow(algorithm: SigningAlgorithm): SigningKeyRow {
  const id = randomUUID();
  const now = new Date();
  return { id, sequence: 1, algorithm, ...pairs.generate(id, algorithm), createTime: now, activateTime: now };
}

const aad = ({ id, algorithm }: SigningKeyRow) => `signing-key/1/${id}/${algorithm}`;

describe.each(["ES256", "EdDSA"] as const)("a key of %s", (algorithm) => {
  test("signs what its public half verifies, once it is opened", () => {
    const row = newRow(algorithm);
    const { handle, ...shown } = pairs.open(row);
    const { wrappedPrivateKey, createTime, ...rest } = row;
    expect(shown).toEqual(rest);
    const { privateKey, publicKey } = keyPairOf({ ...shown, handle });
    const input = Buffer.from("input");
    expect(verifyJws(algorithm, publicKey, input, signJws(algorithm, privateKey, input))).toBe(true);
  });

  test("publishes its public members only", () => {
    const { publicJwk } = newRow(algorithm);
    const members = algorithm === "ES256" ? ["crv", "kty", "x", "y"] : ["crv", "kty", "x"];
    expect(Object.keys(publicJwk).sort()).toEqual(members);
    expect(publicJwk).toMatchObject(
      algorithm === "ES256" ? { kty: "EC", crv: "P-256" } : { kty: "OKP", crv: "Ed25519" },
    );
    expect(publicJwk.x).toMatch(/^[\w-]{43}$/);
  });

  test("is wrapped as PKCS#8, for its id and algorithm", () => {
    const row = newRow(algorithm);
    const der = wrappingKeys.unwrap(row.wrappedPrivateKey, aad(row));
    const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    expect(sign(null, Buffer.from("input"), key).length).toBeGreaterThan(63);
  });

  test("does not open in another row, or as of another algorithm", () => {
    const [row, other] = [newRow(algorithm), newRow(algorithm)];
    const sentence = `signing key ${row.id}: decryption failed`;
    expect(() => pairs.open({ ...row, wrappedPrivateKey: other.wrappedPrivateKey })).toThrow(sentence);
    expect(() => pairs.open({ ...other, id: row.id })).toThrow(sentence);
    const otherAlgorithm = algorithm === "ES256" ? "EdDSA" : "ES256";
    expect(() => pairs.open({ ...row, algorithm: otherAlgorithm })).toThrow(sentence);
  });

  test("does not open where its private key does not fit its public key", () => {
    const [row, other] = [newRow(algorithm), newRow(algorithm)];
    const sentence = `signing key ${row.id}: the private key does not match the public key`;
    expect(() => pairs.open({ ...row, publicJwk: other.publicJwk })).toThrow(sentence);
    expect(() => pairs.open({ ...row, publicJwk: { ...row.publicJwk, x: `${row.publicJwk.x}=` } })).toThrow(
      sentence,
    );
  });

  test("does not open where what was wrapped is of another algorithm", () => {
    const row = newRow(algorithm);
    const other = newRow(algorithm === "ES256" ? "EdDSA" : "ES256");
    const der = wrappingKeys.unwrap(other.wrappedPrivateKey, aad(other));
    const mixed = { ...other, id: row.id, algorithm, wrappedPrivateKey: wrappingKeys.wrap(der, aad(row)) };
    expect(() => pairs.open(mixed)).toThrow("does not match");
  });

  test("does not open by other wrapping keys", () => {
    const row = newRow(algorithm);
    const others = new NodeSigningKeyPairs(WrappingKeys.parse(newText));
    expect(() => others.open(row)).toThrow(/^signing key .*: encrypted with key [0-9a-f]{16}, which is not/);
  });

  test("is wrapped again once another key is the current one", () => {
    const row = newRow(algorithm);
    expect(pairs.rewrapped(row)).toBeUndefined();
    const rotated = new NodeSigningKeyPairs(WrappingKeys.parse(`${newText}\n${oldText}`));
    const wrappedPrivateKey = rotated.rewrapped(row);
    if (!wrappedPrivateKey) throw new Error("It was not wrapped again.");
    const after = new NodeSigningKeyPairs(WrappingKeys.parse(newText));
    expect(after.open({ ...row, wrappedPrivateKey }).publicJwk).toEqual(row.publicJwk);
    expect(after.rewrapped({ ...row, wrappedPrivateKey })).toBeUndefined();
  });

  test("does not show its private half", () => {
    const row = newRow(algorithm);
    const key = pairs.open(row);
    const { d } = keyPairOf(key).privateKey.export({ format: "jwk" });
    const shown = `${inspect([key, pairs], { showHidden: true, depth: 9 })}${JSON.stringify([key, pairs])}`;
    expect(d).toMatch(/^[\w-]{43}$/);
    expect(shown).not.toContain(d);
    expect(shown).not.toContain(Buffer.from(`${d}`, "base64url").toString("hex"));
  });
});

test("a handle of somebody else's is refused", () => {
  const key = { ...pairs.open(newRow("ES256")), handle: {} };
  expect(() => keyPairOf(key)).toThrow(TypeError);
});
