import { hash } from "node:crypto";

type Digest = "md5" | "sha256" | "sha512";

/**
 * SHA-crypt (Drepper, "Unix crypt using SHA-256 and SHA-512", 0.4). Returns the digest before its bytes are
 * reordered.
 */
export function shaCrypt(digest: Digest, password: Buffer, salt: Buffer, rounds: number): Buffer {
  const inner = digestOf(digest, password, salt, password);
  const start = [password, salt, repeated(inner, password.length)];
  for (let bits = password.length; bits > 0; bits >>= 1) start.push(bits & 1 ? inner : password);
  const first = digestOf(digest, ...start);
  const p = repeated(digestOf(digest, ...Array<Buffer>(password.length).fill(password)), password.length);
  const s = repeated(digestOf(digest, ...Array<Buffer>(16 + (first[0] ?? 0)).fill(salt)), salt.length);
  return mixed(digest, first, p, s, rounds);
}

/** Md5-crypt (Kamp 1994), with the magic of FreeBSD or Apache. */
export function md5Crypt(magic: string, password: Buffer, salt: Buffer): Buffer {
  const inner = digestOf("md5", password, salt, password);
  const start = [password, Buffer.from(magic), salt, repeated(inner, password.length)];
  for (let bits = password.length; bits > 0; bits >>= 1) {
    // A bug of the first implementation that all others have kept.
    start.push(bits & 1 ? Buffer.of(0) : password.subarray(0, 1));
  }
  return mixed("md5", digestOf("md5", ...start), password, salt, 1_000);
}

/** The portable hash of phpass: repeatedly the digest of the previous digest and the password. */
export function phpass(digest: Digest, password: Buffer, salt: Buffer, rounds: number): Buffer {
  const before = digestOf(digest, salt, password);
  const input = Buffer.concat([before, password]);
  for (let round = 0; round < rounds; round++) hash(digest, input, "buffer").copy(input);
  return input.subarray(0, before.length);
}

/** The digest of salt and password, then repeatedly the digest of the previous digest. */
export function iterated(digest: Digest, password: Buffer, salt: Buffer, rounds: number): Buffer {
  let last = digestOf(digest, salt, password);
  for (let round = 1; round < rounds; round++) last = hash(digest, last, "buffer");
  return last;
}

/**
 * The rounds that both crypts share. Which of password, salt and last digest a round hashes, and in which order,
 * repeats with periods 2, 3 and 7. So there are 42 inputs, and each round only overwrites the last digest in one of
 * them.
 */
function mixed(digest: Digest, first: Buffer, p: Buffer, s: Buffer, rounds: number): Buffer {
  const inputs = Array.from({ length: 42 }, (_, round) => {
    const middle = [...(round % 3 ? [s] : []), ...(round % 7 ? [p] : [])];
    const parts = round % 2 ? [p, ...middle, first] : [first, ...middle, p];
    const input = Buffer.concat(parts);
    return { input, at: round % 2 ? input.length - first.length : 0 };
  });
  let last = first;
  for (let round = 0; round < rounds; round++) {
    const { input, at } = inputs[round % 42] as { input: Buffer; at: number };
    last.copy(input, at);
    last = hash(digest, input, "buffer");
  }
  return last;
}

function digestOf(digest: Digest, ...parts: readonly Buffer[]): Buffer {
  return hash(digest, Buffer.concat(parts), "buffer");
}

/** A digest repeated to fill `length` bytes. */
function repeated(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}
