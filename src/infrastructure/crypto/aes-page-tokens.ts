import type { PageCursor, PageTokens } from "../../domain/page-tokens.ts";
import { seal, sealLength, unseal } from "./sealed-bytes.ts";

/** Page tokens: base64url of a sealed page cursor, with the scope as AAD. */
export class AesPageTokens implements PageTokens {
  readonly #key: Buffer;

  /** @param key 256 bits that all instances share */
  constructor(key: Buffer) {
    this.#key = key;
  }

  seal({ createTime, id }: PageCursor, scope: string): string {
    const cursor = Buffer.from(`${createTime.getTime()} ${id}`);
    return seal(this.#key, cursor, Buffer.from(scope)).toString("base64url");
  }

  open(token: string, scope: string): PageCursor | undefined {
    const bytes = Buffer.from(token, "base64url");
    if (bytes.length <= sealLength) return undefined;
    const cursor = unseal(this.#key, bytes, Buffer.from(scope));
    if (cursor === undefined) return undefined;
    const [time, id] = cursor.toString().split(" ");
    return { createTime: new Date(Number(time)), id: id ?? "" };
  }
}
