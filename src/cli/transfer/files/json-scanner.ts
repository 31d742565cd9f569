export interface JsonScan {
  /**
   * "rows": an array of rows begins at `end`. "next": an element ends at `end`, and another one follows. "last": the
   * last element of its array ends. "closed": the value ends. "fault": the text is not JSON from here on.
   */
  readonly found: "rows" | "next" | "last" | "closed" | "fault";
  /** The position after the last byte found. */
  readonly end: number;
  /** Where to continue. */
  readonly next: number;
}

export interface JsonScannerOptions {
  /** The name of an array of rows in the value, if the value is an object: bytes with the closing quote. */
  readonly key: Buffer | undefined;
  /** "element": up to the comma or bracket after an element of an array. "value": up to the value's closing bracket. */
  readonly until: "element" | "value";
  /**
   * Whether misplaced brackets, quotes and line breaks are faults. Otherwise the scan continues at the likeliest place.
   */
  readonly isStrict: boolean;
}

const [quote, backslash, comma, colon, lineFeed] = [0x22, 0x5c, 0x2c, 0x3a, 0x0a];
const [openArray, closeArray, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Maximum nesting depth, deeper than any user's data. Deeper values are not parsed, because recursive code would fail.
 */
export const maxDepth = 100;

/**
 * Finds the end of a JSON value, across any number of chunks. Values are not parsed: only brackets and strings matter.
 */
export class JsonScanner {
  readonly #options: JsonScannerOptions;
  readonly #open: number[] = [];
  /** The latest byte that is neither whitespace nor in a string; a quote stands for a string. */
  #previous = 0;
  #isInString = false;
  #isEscaped = false;
  /** The number of bytes of the key that the current string has matched; -1 if it is not the key. */
  #matched = -1;

  constructor(options: JsonScannerOptions) {
    this.#options = options;
  }

  /** Scans bytes from a position; undefined if more are needed. */
  scan(bytes: Buffer, from: number): JsonScan | undefined {
    for (let at = from; at < bytes.length; at += 1) {
      if (this.#isInString) {
        at = this.#string(bytes, at);
        if (bytes[at] === lineFeed && this.#options.isStrict) return fault(at);
        continue;
      }
      const byte = bytes[at]!;
      if (byte <= 0x20) continue;
      const scan = this.#significant(byte, at);
      if (scan !== undefined) return scan;
      this.#previous = byte;
    }
    return undefined;
  }

  /** The end of the string: its quote, or a line feed, which JSON does not allow in strings. */
  #string(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (this.#matched >= 0) {
        this.#matched = this.#options.key?.[this.#matched] === byte ? this.#matched + 1 : -1;
      }
      if (byte === lineFeed || (byte === quote && !this.#isEscaped)) {
        this.#isInString = false;
        this.#isEscaped = false;
        this.#previous = quote;
        return at;
      }
      this.#isEscaped = byte === backslash && !this.#isEscaped;
    }
    return bytes.length;
  }

  #significant(byte: number, at: number): JsonScan | undefined {
    switch (byte) {
      case quote:
        return this.#openString(at);
      case openObject:
      case openArray:
        return this.#openBracket(byte, at);
      case closeObject:
      case closeArray:
        return this.#closeBracket(byte, at);
      case comma: {
        const isBehindElement = this.#open.length === 0 && this.#options.until === "element";
        return isBehindElement ? { found: "next", end: at, next: at + 1 } : undefined;
      }
      default:
        return undefined;
    }
  }

  #openString(at: number): JsonScan | undefined {
    const isName = this.#top === openObject && (this.#previous === openObject || this.#previous === comma);
    if (this.#options.isStrict && !isName && !this.#expectsValue) return fault(at);
    this.#isInString = true;
    this.#matched = isName && this.#open.length === 1 ? 0 : -1;
    return undefined;
  }

  #openBracket(byte: number, at: number): JsonScan | undefined {
    const { isStrict, key, until } = this.#options;
    const isOfKey = key !== undefined && this.#matched === key.length && this.#previous === colon;
    if (isOfKey && byte === openArray) {
      this.#previous = closeArray;
      this.#matched = -1;
      return { found: "rows", end: at, next: at + 1 };
    }
    if (isStrict && (!this.#expectsValue || this.#open.length >= maxDepth)) return fault(at);
    if (byte === openObject && this.#top === openObject && this.#previous === comma) {
      // Closing brackets of objects are missing: this object is the next element of the enclosing array.
      this.#open.length = this.#open.lastIndexOf(openArray) + 1;
      if (this.#open.length === 0 && until === "element") return { found: "next", end: at, next: at };
    }
    this.#open.push(byte);
    return undefined;
  }

  #closeBracket(byte: number, at: number): JsonScan | undefined {
    const { isStrict, until } = this.#options;
    const opened = this.#open.lastIndexOf(byte === closeArray ? openArray : openObject);
    if (isStrict && opened !== this.#open.length - 1) return fault(at);
    if (opened === -1) {
      const isEndOfArray = byte === closeArray && until === "element";
      return isEndOfArray ? { found: "last", end: at, next: at + 1 } : undefined;
    }
    // Closing brackets of inner values are missing.
    this.#open.length = opened;
    const isClosed = opened === 0 && until === "value";
    return isClosed ? { found: "closed", end: at + 1, next: at + 1 } : undefined;
  }

  get #top(): number | undefined {
    return this.#open.at(-1);
  }

  get #expectsValue(): boolean {
    const isElement = this.#previous === openArray || (this.#previous === comma && this.#top === openArray);
    return this.#previous === 0 || this.#previous === colon || isElement;
  }
}

function fault(at: number): JsonScan {
  return { found: "fault", end: at, next: at };
}
