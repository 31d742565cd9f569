/** The state of a record after its latest line. */
export type CsvProgress = "complete" | "open" | { readonly fault: string };

/** A record of CSV (RFC 4180), read line by line. */
export class CsvRecord {
  /** The complete values. */
  readonly fields: string[] = [];
  /** The position of each field in the first line. Fields of other lines are omitted. */
  readonly starts: number[] = [];
  /** The line of the record (0 for the first) where the latest quote opened. */
  quoteLine = 0;
  /** The part read so far of a quoted value that continues on the next line. */
  #open: string | undefined;
  #lines = 0;

  /** Reads a line without its line feed. A carriage return at the end of the record is dropped. */
  add(line: string): CsvProgress {
    this.#lines += 1;
    const end = line.endsWith("\r") ? line.length - 1 : line.length;
    let isInQuote = this.#open !== undefined;
    for (let at = 0; ; at += 1) {
      if (!isInQuote) {
        if (this.#lines === 1) this.starts.push(at);
        isInQuote = line[at] === '"';
        if (isInQuote) {
          this.quoteLine = this.#lines - 1;
          this.#open = "";
          at += 1;
        }
      }
      const next = isInQuote ? this.#quoted(line, at) : this.#unquoted(line, at, end);
      if (typeof next !== "number") return next;
      if (next >= end) return "complete";
      if (line[next] !== ",") return { fault: this.#textBehindQuote() };
      isInQuote = false;
      at = next;
    }
  }

  #unquoted(line: string, from: number, end: number): number | CsvProgress {
    const comma = line.indexOf(",", from);
    const to = comma === -1 ? end : comma;
    const value = line.slice(from, to);
    if (value.includes('"')) {
      return { fault: "has a quote inside an unquoted value; quote the value and double the quotes in it" };
    }
    this.fields.push(value);
    return to;
  }

  #quoted(line: string, start: number): number | CsvProgress {
    for (let from = start; ; ) {
      const quote = line.indexOf('"', from);
      if (quote === -1) {
        this.#open += `${line.slice(from)}\n`;
        return "open";
      }
      const isDoubled = line[quote + 1] === '"';
      this.#open += line.slice(from, isDoubled ? quote + 1 : quote);
      from = quote + 2;
      if (isDoubled) continue;
      this.fields.push(this.#open ?? "");
      this.#open = undefined;
      return quote + 1;
    }
  }

  #textBehindQuote(): string {
    if (this.quoteLine === this.#lines - 1) {
      return "has text behind a closing quote; double the quotes inside a value";
    }
    return "opens a quote that does not close on its line, and other text follows the next quote; close it or double the quotes inside the value";
  }
}
