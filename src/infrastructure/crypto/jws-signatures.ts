import { type KeyObject, sign, verify } from "node:crypto";
import type { SigningAlgorithm } from "../../domain/signing-key/signing-key.ts";

/** Length of a signature in bytes: r and s of P-256, or R and S of Ed25519. */
const signatureLength = 64;

/** The order of P-256 (SEC 2 §2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const halfOrder = toBytes(order / 2n);

/**
 * Signs with ES256 (RFC 7518 §3.4) or EdDSA with Ed25519 (RFC 8037 §3.1). An ECDSA signature is valid with two values
 * of s; this uses the lower one and `verifyJws` accepts only that, so a third party cannot turn a signature into
 * another valid one.
 */
export function signJws(algorithm: SigningAlgorithm, privateKey: KeyObject, input: Buffer): Buffer {
  if (algorithm === "EdDSA") return sign(null, input, privateKey);
  const signature = sign("sha256", input, { key: privateKey, dsaEncoding: "ieee-p1363" });
  if (isLow(signature)) return signature;
  const s = BigInt(`0x${signature.toString("hex", 32)}`);
  return Buffer.concat([signature.subarray(0, 32), toBytes(order - s)]);
}

/** Whether the signature is valid and could be from `signJws`: it rejects the higher s of other ECDSA signers. */
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
