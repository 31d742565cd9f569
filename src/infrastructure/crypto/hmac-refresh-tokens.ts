import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { RefreshGrant, RefreshTokens } from "../../domain/session/refresh-tokens.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const idLength = 16;
const generationLength = 6;
const grantLength = idLength + generationLength;
const maxGeneration = 2 ** 48 - 1;

/** 54 bytes fill 72 characters without spare bits, so no two texts of this form decode to the same bytes. */
const form = /^rt1_([A-Za-z0-9_-]{72})$/;

/**
 * Refresh tokens with HMAC-SHA-256 (RFC 2104): `rt1_` and base64url of session ID (16 bytes), generation (6 bytes,
 * big-endian) and the HMAC of both (32 bytes).
 */
export class HmacRefreshTokens implements RefreshTokens {
  readonly #key: KeyObject;

  /** @param key 256 bits that all instances share */
  constructor(key: Buffer) {
    if (key.length !== 32) throw new RangeError("the refresh token key must be 32 bytes");
    this.#key = createSecretKey(key);
  }

  seal({ sessionId, generation }: RefreshGrant): string {
    if (!uuid.test(sessionId)) throw new RangeError("the session ID must be a lower-case UUID");
    if (!Number.isInteger(generation) || generation < 1 || generation > maxGeneration) {
      throw new RangeError("the session generation must be an integer from 1 to 2^48 - 1");
    }
    const grant = Buffer.alloc(grantLength);
    grant.write(sessionId.replaceAll("-", ""), "hex");
    grant.writeUIntBE(generation, idLength, generationLength);
    return `rt1_${Buffer.concat([grant, this.#code(grant)]).toString("base64url")}`;
  }

  open(token: string): RefreshGrant | undefined {
    const text = form.exec(token)?.[1];
    if (text === undefined) return undefined;
    const bytes = Buffer.from(text, "base64url");
    const grant = bytes.subarray(0, grantLength);
    if (!timingSafeEqual(this.#code(grant), bytes.subarray(grantLength))) return undefined;
    const generation = grant.readUIntBE(idLength, generationLength);
    if (generation < 1) return undefined;
    return { sessionId: toUuid(grant.subarray(0, idLength)), generation };
  }

  #code(grant: Buffer): Buffer {
    return createHmac("sha256", this.#key).update("auth/refresh-token/1\0").update(grant).digest();
  }
}

function toUuid(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
