import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { Metadata } from "@grpc/grpc-js";

type HeadersIterator<T> = ReturnType<typeof Headers.prototype.keys> & IterableIterator<T>;

/**
 * Headers that are built only if more than a single value is read: filling a Headers object is the largest cost of a
 * small call. Without `received` they start empty, as response headers and trailers do.
 *
 * A binary value (`…-bin`) is base64 without padding, as Connect's `encodeBinaryHeader` writes it.
 */
export class LazyHeaders implements Headers {
  private readonly received: IncomingHttpHeaders | undefined;
  private made: Headers | undefined;

  constructor(received?: IncomingHttpHeaders) {
    this.received = received;
  }

  /** Whether nothing has been set, so that there is nothing to send. */
  get untouched(): boolean {
    return this.made === undefined && this.received === undefined;
  }

  get(name: string): string | null {
    if (this.made !== undefined) {
      return this.made.get(name);
    }
    const key = name.toLowerCase();
    const value = this.received?.[key];
    return value === undefined || isHidden(key) ? null : asText(key, value);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  append(name: string, value: string): void {
    this.make().append(name, value);
  }

  set(name: string, value: string): void {
    this.make().set(name, value);
  }

  delete(name: string): void {
    this.make().delete(name);
  }

  getSetCookie(): string[] {
    return this.make().getSetCookie();
  }

  forEach(callback: (value: string, key: string, parent: Headers) => void, thisArg?: unknown): void {
    this.make().forEach((value, key) => {
      callback.call(thisArg, value, key, this);
    });
  }

  entries(): HeadersIterator<[string, string]> {
    return this.make().entries() as HeadersIterator<[string, string]>;
  }

  keys(): HeadersIterator<string> {
    return this.make().keys() as HeadersIterator<string>;
  }

  values(): HeadersIterator<string> {
    return this.make().values() as HeadersIterator<string>;
  }

  [Symbol.iterator](): HeadersIterator<[string, string]> {
    return this.entries();
  }

  private make(): Headers {
    if (this.made === undefined) {
      this.made = new Headers();
      for (const [key, value] of Object.entries(this.received ?? {})) {
        if (value !== undefined && !isHidden(key)) {
          this.made.append(key, asText(key, value));
        }
      }
    }
    return this.made;
  }
}

/** Headers of the transport, hidden from handlers. */
const hidden = new Set([
  "accept-encoding",
  "content-type",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-timeout",
  "te",
]);

function isHidden(key: string): boolean {
  return key.startsWith(":") || hidden.has(key);
}

function asText(key: string, value: string | string[]): string {
  const text = typeof value === "string" ? value : value.join(", ");
  return key.endsWith("-bin") ? text.replaceAll("=", "") : text;
}

/** Headers reserved for HTTP/2 and gRPC. Some make node:http2 throw, others would replace the status. */
const reserved = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
  "grpc-timeout",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const legalKey = /^[0-9a-z_.-]+$/;
const legalValue = /^[ -~]*$/;

/**
 * Adds headers to metadata. Headers that gRPC cannot carry (a reserved name, or a value that is not printable ASCII)
 * are dropped, as grpc-js does with received headers: a header must not fail a call.
 */
export function addHeaders(metadata: Metadata, headers: Headers): void {
  for (const [key, value] of headers) {
    if (reserved.has(key) || !legalKey.test(key)) {
      continue;
    }
    if (key.endsWith("-bin")) {
      for (const part of value.split(",")) {
        metadata.add(key, Buffer.from(part, "base64"));
      }
    } else if (legalValue.test(value)) {
      metadata.add(key, value);
    }
  }
}

/** The metadata to send for response headers or trailers, or undefined if there is none. */
export function metadataOf(headers: Headers): Metadata | undefined {
  if (headers instanceof LazyHeaders && headers.untouched) {
    return undefined;
  }
  const metadata = new Metadata();
  addHeaders(metadata, headers);
  return metadata;
}

/** Metadata as HTTP/2 headers. Binary values are base64 without padding, as PROTOCOL-HTTP2 requires of servers. */
export function headersOf(metadata: Metadata): OutgoingHttpHeaders {
  const headers = metadata.toHttp2Headers();
  for (const [key, value] of Object.entries(headers)) {
    if (key.endsWith("-bin")) headers[key] = [value].flat().map((text) => String(text).replaceAll("=", ""));
  }
  return headers;
}
