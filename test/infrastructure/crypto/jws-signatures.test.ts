import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from "node:crypto";
import { describe, expect, test } from "vitest";
import { signJws, verifyJws } from "../../../src/infrastructure/crypto/jws-signatures.ts";

/** Vectors of the RFCs. Those of Wycheproof, which are many more, are in wycheproof.test.ts and need Go. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The signature with n - s in the place of s. */
function mirrored(signature: Buffer): Buffer {
  const s = order - BigInt(`0x${signature.toString("hex", 32)}`);
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex")]);
}

function publicKeyOf(key: JsonWebKey): KeyObject {
  return createPublicKey({ key, format: "jwk" });
}

describe("ES256", () => {
  // RFC 7515 appendix A.3. Its s is the higher one, as are those of RFC 6979: the mirrored signature is ours.
  test("RFC 7515 A.3 is verified by its lower s only", () => {
    const publicKey = publicKeyOf({
      kty: "EC",
      crv: "P-256",
      x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    const input = Buffer.from(
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
    );
    const signature = Buffer.from(
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
      "base64url",
    );
    expect(verifyJws("ES256", publicKey, input, signature)).toBe(false);
    expect(verifyJws("ES256", publicKey, input, mirrored(signature))).toBe(true);
    expect(verifyJws("ES256", publicKey, input.subarray(1), mirrored(signature))).toBe(false);
  });

  // RFC 6979 appendix A.2.5, with SHA-256.
  test.each([
    {
      message: "sample",
      r: "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
      s: "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
      isLow: false,
    },
    {
      message: "test",
      r: "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
      s: "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
      isLow: true,
    },
  ])("RFC 6979 A.2.5, '$message', is verified by its lower s only", ({ message, r, s, isLow }) => {
    const publicKey = publicKeyOf({
      kty: "EC",
      crv: "P-256",
      x: hex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6").toString("base64url"),
      y: hex("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299").toString("base64url"),
    });
    const signature = Buffer.concat([hex(r), hex(s)]);
    const input = Buffer.from(message);
    expect(verifyJws("ES256", publicKey, input, signature)).toBe(isLow);
    expect(verifyJws("ES256", publicKey, input, mirrored(signature))).toBe(!isLow);
  });

  test("signs with the lower s, whatever comes", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    for (let i = 0; i < 100; i++) {
      const input = Buffer.from(`input ${i}`);
      const signature = signJws("ES256", privateKey, input);
      expect(signature).toHaveLength(64);
      expect(BigInt(`0x${signature.toString("hex", 32)}`)).toBeLessThanOrEqual(order / 2n);
      expect(verifyJws("ES256", publicKey, input, signature)).toBe(true);
      expect(verifyJws("ES256", publicKey, input, mirrored(signature))).toBe(false);
    }
  });
});

describe("EdDSA", () => {
  test("RFC 8037 A.4 and A.5 are signed and verified", () => {
    const jwk = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
    const d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const input = Buffer.from("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    const signature =
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    const privateKey = createPrivateKey({ key: { ...jwk, d }, format: "jwk" });
    expect(signJws("EdDSA", privateKey, input).toString("base64url")).toBe(signature);
    expect(verifyJws("EdDSA", publicKeyOf(jwk), input, Buffer.from(signature, "base64url"))).toBe(true);
    expect(verifyJws("EdDSA", publicKeyOf(jwk), input.subarray(1), Buffer.from(signature, "base64url"))).toBe(
      false,
    );
  });
});

test.each(["ES256", "EdDSA"] as const)("a signature of %s has 64 bytes", (algorithm) => {
  const { publicKey } =
    algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("ed25519");
  for (const length of [0, 1, 32, 63, 65, 128]) {
    expect(verifyJws(algorithm, publicKey, Buffer.from("input"), Buffer.alloc(length, 1))).toBe(false);
  }
});

function hex(text: string): Buffer {
  return Buffer.from(text, "hex");
}
