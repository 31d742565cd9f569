import type { EventCursors } from "../../domain/audit/event-cursors.ts";
import { seal, unseal } from "./sealed-bytes.ts";

/** Length of a position in bytes. */
const length = 8;

/** Event cursors: base64url of a sealed position, with the scope as AAD. */
export class AesEventCursors implements EventCursors {
  readonly #key: Buffer;

  /** @param key 256 bits that all instances share, also used for page tokens, whose scopes differ */
  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(position: number, scope: string): string {
    const place = Buffer.alloc(length);
    place.writeBigUInt64BE(BigInt(position));
    return seal(this.#key, place, boundIn(scope)).toString("base64url");
  }

  open(cursor: string, scope: string): number | undefined {
    const place = unseal(this.#key, Buffer.from(cursor, "base64url"), boundIn(scope));
    return place?.length === length ? Number(place.readBigUInt64BE()) : undefined;
  }
}

/** No scope of a page token begins with this prefix. */
function boundIn(scope: string): Buffer {
  return Buffer.from(`event-cursor ${scope}`);
}
