/** A secret in one of the forms in which it could have been written down. */
interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

const shortest = 8;

/** Texts and bytes to look for, all of them in one pass, however many they are. */
export class Needles {
  readonly #byStart = new Map<number, Needle[]>();
  /** Whether a needle begins with these three bytes. */
  readonly #starts = new Uint8Array(1 << 24);
  size = 0;

  /** A secret that is text: as it is, in hex, in base64 and as part of a URL. */
  addText(name: string, text: string): void {
    this.#add(`${name} as text`, Buffer.from(text));
    this.#add(`${name} as UTF-16`, Buffer.from(text, "utf16le"));
    const inUrl = encodeURIComponent(text);
    if (inUrl !== text) this.#add(`${name} in a URL`, Buffer.from(inUrl));
    this.#addEncoded(name, Buffer.from(text));
  }

  /** A secret that is bytes: as they are, in hex and in base64. */
  addBytes(name: string, bytes: Buffer): void {
    this.#add(`${name} as bytes`, bytes);
    this.#addEncoded(name, bytes);
  }

  #addEncoded(name: string, bytes: Buffer): void {
    this.#add(`${name} in hex`, Buffer.from(bytes.toString("hex")));
    this.#add(`${name} in HEX`, Buffer.from(bytes.toString("hex").toUpperCase()));
    for (const [before, lost] of [
      [0, 0],
      [1, 2],
      [2, 3],
    ]) {
      // After other bytes it is other characters; the first and the last of them depend on what is beside it.
      const shifted = Buffer.concat([Buffer.alloc(before ?? 0), bytes]);
      this.#add(
        `${name} in base64`,
        Buffer.from(shifted.toString("base64").replace(/.?=*$/, "").slice(lost)),
      );
      this.#add(`${name} in base64url`, Buffer.from(shifted.toString("base64url").slice(lost, -1)));
    }
  }

  #add(name: string, bytes: Buffer): void {
    if (bytes.length < shortest) throw new RangeError(`${name} is too short to be looked for`);
    const start = bytes.readUIntBE(0, 3);
    this.#starts[start] = 1;
    this.#byStart.set(start, [...(this.#byStart.get(start) ?? []), { name, bytes }]);
    this.size += 1;
  }

  /** The names of those that are in a haystack. */
  findIn(haystack: Buffer): string[] {
    const found = new Set<string>();
    let start = haystack.length < 3 ? 0 : haystack.readUInt16BE(0);
    for (let i = 2; i < haystack.length; i++) {
      start = ((start << 8) | haystack[i]!) & 0xffffff;
      if (this.#starts[start] === 0) continue;
      for (const { name, bytes } of this.#byStart.get(start) ?? []) {
        const from = i - 2;
        if (haystack.subarray(from, from + bytes.length).equals(bytes)) found.add(name);
      }
    }
    return [...found];
  }
}
