import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { PageCursor, PageTokens } from "../../domain/page-tokens.ts";

const algorithm = "aes-256-gcm";
const nonceLength = 12;
const tagLength = 16;

/** Page tokens sealed by AES-256-GCM (NIST SP 800-38D): base64url of nonce, sealed cursor and tag; the scope is bound in. */
export class AesPageTokens implements PageTokens {
  readonly #key: Buffer;

  /** @param key 256 bits that all instances share. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  seal({ createTime, id }: PageCursor, scope: string): string {
    const nonce = randomBytes(nonceLength);
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(Buffer.from(scope));
    const sealed = cipher.update(`${createTime.getTime()} ${id}`);
    return Buffer.concat([nonce, sealed, cipher.final(), cipher.getAuthTag()]).toString("base64url");
  }

  open(token: string, scope: string): PageCursor | undefined {
    const bytes = Buffer.from(token, "base64url");
    if (bytes.length <= nonceLength + tagLength) return undefined;
    const decipher = createDecipheriv(algorithm, this.#key, bytes.subarray(0, nonceLength), {
      authTagLength: tagLength,
    })
      .setAAD(Buffer.from(scope))
      .setAuthTag(bytes.subarray(-tagLength));
    const sealed = decipher.update(bytes.subarray(nonceLength, -tagLength));
    try {
      const [time, id] = Buffer.concat([sealed, decipher.final()]).toString().split(" ");
      return { createTime: new Date(Number(time)), id: id ?? "" };
    } catch {
      // Not sealed by this key for this scope: that is all a decipher says, and all that a caller is told.
      return undefined;
    }
  }
}
