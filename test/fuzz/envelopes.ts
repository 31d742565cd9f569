import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";

/** A message in the frame of gRPC: a flag, its length in four bytes, its bytes. */
export function frame(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

type Frame = (message: Uint8Array) => Buffer;

/** Frames that are wrong in themselves, or of which there are too many or too few. */
export const brokenFrames: fc.Arbitrary<Frame> = fc.oneof(
  fc.tuple(fc.nat(255), fc.constantFrom(0, 1, 4, 0xffff, 0xf_ffff, 0x10_0001, 0x7fff_ffff, 0xffff_ffff)).map(
    ([flag, length]): Frame =>
      (message) =>
        frame(message, flag, length),
  ),
  fc.tuple(fc.nat(1), fc.integer({ min: -20, max: 20 })).map(
    ([flag, more]): Frame =>
      (message) =>
        frame(message, flag, Math.max(0, message.length + more)),
  ),
  fc.integer({ min: 2, max: 255 }).map(
    (flag): Frame =>
      (message) =>
        frame(message, flag),
  ),
  fc.integer({ min: 2, max: 50 }).map(
    (times): Frame =>
      (message) =>
        Buffer.concat(Array(times).fill(frame(message))),
  ),
  fc.integer({ min: 1, max: 2_000 }).map(
    (times): Frame =>
      () =>
        Buffer.alloc(5 * times),
  ),
  fc.nat(12).map(
    (length): Frame =>
      (message) =>
        frame(message).subarray(0, length),
  ),
  fc.uint8Array({ maxLength: 30 }).map(
    (more): Frame =>
      (message) =>
        Buffer.concat([frame(message), more]),
  ),
);

const mebibyte = 1024 * 1024;

const sizes = [1_000, mebibyte - 1, mebibyte, mebibyte + 1, 32 * mebibyte];
const compress = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };

export type Encoding = keyof typeof compress;
export const encodings = Object.keys(compress) as Encoding[];

export function compressed(encoding: Encoding, bytes: Uint8Array): Buffer {
  return compress[encoding](bytes);
}

const made = new Map<Encoding, readonly Buffer[]>();

/** A little that becomes much, made once. Some still fit once inflated; the last is a bomb of bombs. */
export function bombs(encoding: Encoding): readonly Buffer[] {
  const ready = made.get(encoding);
  if (ready !== undefined) return ready;
  const once = sizes.map((size) => compressed(encoding, Buffer.alloc(size)));
  const all = [...once, compressed(encoding, Buffer.concat(once))];
  made.set(encoding, all);
  return all;
}
