import { createCipheriv } from "node:crypto";
import { budget, lengthWithin } from "./budget.ts";
import { fromBase64, toBase64 } from "./encodings.ts";
import { areSame, malformed, type PasswordHash, type PasswordHashFormat, partsOf } from "./password-hash.ts";
import { deriveByScrypt, type ScryptCost, scryptCost, scryptEffort, toScryptText } from "./scrypt.ts";

const format = "Firebase scrypt";
const layout = "ln, r and p, salt";
const form =
  /^\$firescrypt\$ln=(?<ln>\d{1,3}),r=(?<r>\d{1,8}),p=(?<p>\d{1,8})\$(?<salt>[^$]*)\$(?<digest>[^$]*)\$(?<separator>[^$]*)\$(?<key>[^$]*)$/;
const streamForm =
  /^\$firescrypt-stream\$ln=(?<ln>\d{1,3}),r=(?<r>\d{1,8}),p=(?<p>\d{1,8})\$(?<salt>[^$]*)\$(?<stream>[^$]*)$/;

/**
 * Firebase's modified scrypt, as Kratos writes it: `$firescrypt$ln=<mem cost>,r=<rounds>,p=1$<salt>$<hash>$<salt
 * separator>$<signer key>`, the last two being the project's. The hash is the project's signer key, encrypted by
 * AES-256-CTR with the key that scrypt derives from the password.
 *
 * The signer key is a secret of the project and is not stored: hash ⊕ key is the cipher's key stream, which checks a
 * password equally well. A stored row does not reveal the signer key. Its reader can still try passwords, as if the
 * key were stored too.
 */
export const firebaseScrypt: PasswordHashFormat = {
  begins: /^\$firescrypt\$/,
  read(text) {
    const { salt, digest, separator, key, ...costs } = partsOf(
      text,
      form,
      format,
      `${layout}, digest, salt separator and signer key`,
    );
    const [hash, signerKey] = [bytesOf(digest), bytesOf(key)];
    if (hash.length !== signerKey.length)
      throw malformed(format, "its digest and signer key differ in length");
    const stream = Buffer.from(hash.map((byte, index) => byte ^ (signerKey[index] ?? 0)));
    return firebaseHash(costOf(costs), Buffer.concat([bytesOf(salt), bytesOf(separator)]), stream);
  },
};

/** The stored form of such a hash, without the signer key. */
export const firebaseScryptStream: PasswordHashFormat = {
  begins: /^\$firescrypt-stream\$/,
  read(text) {
    const { salt, stream, ...costs } = partsOf(text, streamForm, format, `${layout} and key stream`);
    return firebaseHash(costOf(costs), bytesOf(salt), bytesOf(stream));
  },
};

function bytesOf(text = ""): Buffer {
  return fromBase64(text, format);
}

function costOf({ ln, r, p }: Record<string, string | undefined>): ScryptCost {
  return scryptCost({ logN: Number(ln), blockSize: Number(r), parallelism: Number(p) });
}

function firebaseHash(cost: ScryptCost, salt: Buffer, stream: Buffer): PasswordHash {
  lengthWithin("salt", salt, 1, budget.saltBytes);
  lengthWithin("digest", stream, 32, budget.digestBytes.most);
  const text = `$firescrypt-stream$${toScryptText(cost)}$`;
  return {
    text: `${text}${toBase64(salt)}$${toBase64(stream)}`,
    cost: text,
    effort: scryptEffort(cost),
    async matches(password) {
      const key = await deriveByScrypt(password, salt, 32, cost);
      const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
      return areSame(cipher.update(Buffer.alloc(stream.length)), stream);
    },
  };
}
