import { createPublicKey, type JsonWebKey } from "node:crypto";
import { expect } from "vitest";
import type { SigningKey } from "../../../src/domain/signing-key/signing-key.ts";
import { verifyJws } from "../../../src/infrastructure/crypto/jws-signatures.ts";
import { JwtAccessTokens } from "../../../src/infrastructure/crypto/jwt-access-tokens.ts";
import { KeyPair } from "../../../src/infrastructure/crypto/signing-key-pairs.ts";
import { testWith } from "../../support/tools.ts";
import { openedSigningKey } from "./opened-signing-key.ts";
import { wycheproof, wycheproofVectors } from "./wycheproof-vectors.ts";

interface SignatureVectors {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKeyPem: string;
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: "valid" | "invalid";
    }[];
  }[];
}

interface JwsVectors {
  readonly testGroups: readonly {
    readonly public?: JsonWebKey & { readonly kid?: string; readonly use?: string };
    readonly tests: readonly { readonly tcId: number; readonly jws: string; readonly result: string }[];
  }[];
}

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

testWith(wycheproof, "ECDSA on P-256: every verdict, of the lower s", async () => {
  const { testGroups, numberOfTests } = await wycheproofVectors<SignatureVectors>(
    "ecdsa_secp256r1_sha256_p1363_test.json",
    "782c0053085d7c8bb9dcb38581290cc3061f3a4d9c2c6a8d9e9f97e0d12cf971",
  );
  const wrong: number[] = [];
  let [seen, mirrored] = [0, 0];
  for (const { publicKeyPem, tests } of testGroups) {
    const publicKey = createPublicKey(publicKeyPem);
    for (const { tcId, msg, sig, result } of tests) {
      seen++;
      // Wycheproof takes both values of s: of the higher one we take what says the same with the lower.
      const s = sig.length === 128 ? BigInt(`0x${sig.slice(64)}`) : 0n;
      const isHigh = result === "valid" && s > order / 2n;
      const verdict = (text: string) =>
        verifyJws("ES256", publicKey, Buffer.from(msg, "hex"), Buffer.from(text, "hex"));
      const lower = `${sig.slice(0, 64)}${(order - s).toString(16).padStart(64, "0")}`;
      if (isHigh) mirrored++;
      if (verdict(sig) !== (result === "valid" && !isHigh) || (isHigh && !verdict(lower))) wrong.push(tcId);
    }
  }
  expect({ wrong, seen }).toEqual({ wrong: [], seen: numberOfTests });
  expect(mirrored).toBeGreaterThan(10);
});

testWith(wycheproof, "Ed25519: every verdict", async () => {
  const { testGroups, numberOfTests } = await wycheproofVectors<SignatureVectors>(
    "ed25519_test.json",
    "14275c10db6e761f5d89178eb6e160f9ca340c2f1b5168f016f65002a6858a5a",
  );
  const wrong: number[] = [];
  let seen = 0;
  for (const { publicKeyPem, tests } of testGroups) {
    const publicKey = createPublicKey(publicKeyPem);
    for (const { tcId, msg, sig, result } of tests) {
      seen++;
      const verdict = verifyJws("EdDSA", publicKey, Buffer.from(msg, "hex"), Buffer.from(sig, "hex"));
      if (verdict !== (result === "valid")) wrong.push(tcId);
    }
  }
  expect({ wrong, seen }).toEqual({ wrong: [], seen: numberOfTests });
});

testWith(wycheproof, "JWS: none of them, right or wrong, is an access token", async () => {
  const { testGroups } = await wycheproofVectors<JwsVectors>(
    "json_web_signature_test.json",
    "8da21f0380fd74a4bc97222f7eb10b63c6c4ae24622f1edb124eaa0a186d9416",
  );
  const own = openedSigningKey("ES256");
  const tokens = new JwtAccessTokens();
  const read: number[] = [];
  let [seen, ec] = [0, 0];
  for (const { public: jwk, tests } of testGroups) {
    const publicKey = jwk?.crv === "P-256" ? createPublicKey({ key: jwk, format: "jwk" }) : undefined;
    const keys = new Map<string, SigningKey>([[own.id, own]]);
    if (publicKey && jwk?.kid) {
      const handle = new KeyPair(publicKey, publicKey);
      keys.set(jwk.kid, { ...own, id: jwk.kid, handle });
      ec++;
    }
    for (const { tcId, jws } of tests) {
      seen++;
      if (tokens.read(jws, keys)) read.push(tcId);
    }
  }
  expect({ read, seen }).toEqual({ read: [], seen: 401 });
  expect(ec).toBeGreaterThan(2);
});
