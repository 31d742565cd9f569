import type { InjectedError } from "./faults.ts";

/** The types of the messages that a proxy has to know (PostgreSQL protocol 3.0, 54.7). */
export const fromClient = { bind: 0x42, parse: 0x50, query: 0x51, sync: 0x53 } as const;
export const fromServer = {
  parseComplete: 0x31,
  bindComplete: 0x32,
  dataRow: 0x44,
  error: 0x45,
  notice: 0x4e,
  parameterStatus: 0x53,
  ready: 0x5a,
} as const;

/** What a ReadyForQuery says: idle, in a transaction, in one that has failed. */
export type TransactionStatus = "I" | "T" | "E";

/** Cuts a stream of bytes into messages. */
export class MessageReader {
  #bytes: Buffer = Buffer.alloc(0);

  push(data: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? data : Buffer.concat([this.#bytes, data]);
  }

  /** The next whole message, if it is there. A startup message has no type byte. */
  next({ typed } = { typed: true }): Buffer | undefined {
    const typeLength = typed ? 1 : 0;
    if (this.#bytes.length < typeLength + 4) return undefined;
    const length = typeLength + this.#bytes.readUInt32BE(typeLength);
    if (this.#bytes.length < length) return undefined;
    const message = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return message;
  }
}

/** The text that ends with a zero byte, from an offset. */
export function text(message: Buffer, start: number): string {
  return message.toString("utf8", start, message.indexOf(0, start));
}

/** The name of the prepared statement that a Parse makes, and its text. */
export function parsed(message: Buffer): { name: string; statement: string } {
  const name = text(message, 5);
  return { name, statement: text(message, 5 + Buffer.byteLength(name) + 1) };
}

/** The name of the prepared statement that a Bind runs. */
export function boundName(message: Buffer): string {
  return text(message, 5 + Buffer.byteLength(text(message, 5)) + 1);
}

/** What a server reports of itself when a connection begins. */
export function parameterStatus(name: string, value: string): Buffer {
  return frame(fromServer.parameterStatus, Buffer.from(`${name}\0${value}\0`));
}

/** A Query or Parse with another text. */
export function withStatement(message: Buffer, statement: string): Buffer {
  const type = message[0] ?? 0;
  if (type === fromClient.query) return frame(type, Buffer.from(`${statement}\0`));
  const old = parsed(message);
  const rest = message.subarray(5 + Buffer.byteLength(old.name) + 1 + Buffer.byteLength(old.statement) + 1);
  return frame(type, Buffer.concat([Buffer.from(`${old.name}\0${statement}\0`), rest]));
}

export function simpleQuery(statement: string): Buffer {
  return frame(fromClient.query, Buffer.from(`${statement}\0`));
}

/** The values of a DataRow; null is undefined. */
export function rowValues(message: Buffer): (Buffer | undefined)[] {
  const values: (Buffer | undefined)[] = [];
  for (let offset = 7; values.length < message.readUInt16BE(5); ) {
    const length = message.readInt32BE(offset);
    offset += 4;
    values.push(length < 0 ? undefined : message.subarray(offset, offset + length));
    offset += Math.max(length, 0);
  }
  return values;
}

export function dataRow(values: readonly (Buffer | undefined)[]): Buffer {
  const count = Buffer.alloc(2);
  count.writeUInt16BE(values.length);
  const parts = values.flatMap((value) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value?.length ?? -1);
    return value === undefined ? [length] : [length, value];
  });
  return frame(fromServer.dataRow, Buffer.concat([count, ...parts]));
}

/** The fields of an ErrorResponse or NoticeResponse, by their one-letter types (54.8). */
export function errorFields(message: Buffer): Map<string, string> {
  const fields = message.toString("utf8", 5, message.length - 2).split("\0");
  return new Map(fields.map((field) => [field.slice(0, 1), field.slice(1)]));
}

export function errorResponse(fields: ReadonlyMap<string, string>, type: number = fromServer.error): Buffer {
  return frame(type, Buffer.from(`${[...fields].map(([name, value]) => `${name}${value}\0`).join("")}\0`));
}

export function injectedResponse({ code, message, severity = "ERROR", constraint }: InjectedError): Buffer {
  const fields = new Map([
    ["S", severity],
    ["V", severity],
    ["C", code],
    ["M", message],
  ]);
  if (constraint !== undefined) fields.set("n", constraint);
  return errorResponse(fields);
}

export function ready(status: TransactionStatus): Buffer {
  return frame(fromServer.ready, Buffer.from(status));
}

export function readyStatus(message: Buffer): TransactionStatus {
  return String.fromCharCode(message[5] ?? 0) as TransactionStatus;
}

function frame(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(type);
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}
