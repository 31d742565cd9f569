import { type KeyObject, sign, verify } from "node:crypto";
import type { SigningAlgorithm } from "../../domain/signing-key/signing-key.ts";

/** Bytes of a signature: r and s of P-256, or R and S of Ed25519. */
const signatureLength = 64;

/** The order of P-256 (SEC 2 §2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const halfOrder = toBytes(order / 2n);

/**
 * Signs by ES256 (RFC 7518 §3.4) or EdDSA with Ed25519 (RFC 8037 §3.1). Of the two values of s with which an ECDSA signature
 * holds the lower one is taken, so that there is one signature that `verifyJws` takes and nobody can make the other.
 */
export function signJws(algorithm: SigningAlgorithm, privateKey: KeyObject, input: Buffer): Buffer {
  if (algorithm === "EdDSA") return sign(null, input, privateKey);
  const signature = sign("sha256", input, { key: privateKey, dsaEncoding: "ieee-p1363" });
  if (isLow(signature)) return signature;
  const s = BigInt(`0x${signature.toString("hex", 32)}`);
  return Buffer.concat([signature.subarray(0, 32), toBytes(order - s)]);
}

/** Whether `signJws` could have made the signature: one that another ECDSA signer made may have the higher s. */
export function verifyJws(
  algorithm: SigningAlgorithm,
  publicKey: KeyObject,
  input: Buffer,
  signature: Buffer,
): boolean {
  if (signature.length !== signatureLength) return false;
  if (algorithm === "EdDSA") return verify(null, input, publicKey, signature);
  return (
    isLow(signature) && verify("sha256", input, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature)
  );
}

function isLow(signature: Buffer): boolean {
  return signature.compare(halfOrder, 0, 32, 32) <= 0;
}

function toBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex");
}
