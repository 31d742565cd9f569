import fc from "fast-check";
import {
  endHeaders,
  endStream,
  frameType,
  headerBlock,
  http2Frame,
  preface,
  settingsFrame,
} from "../support/http2-frames.ts";
import { byteBreaks } from "./broken-bytes.ts";
import { bytesOf, getUser } from "./broken-requests.ts";
import { frame } from "./envelopes.ts";
import type { RawInput } from "./inputs.ts";
import { type Known, pathOf } from "./messages.ts";

/** Headers that HTTP/2 forbids, and that a client library does not send. */
const forbidden = fc.constantFrom<readonly [string, string]>(
  ["te", "gzip"],
  ["te", ""],
  ["te", "trailers, deflate"],
  ["connection", "close"],
  ["transfer-encoding", "chunked"],
  ["upgrade", "h2c"],
  ["Upper", "case"],
  ["", "no name"],
  ["a b", "blank"],
  [":path", "/twice"],
  [":nope", "x"],
  ["content-length", "7"],
  ["content-length", "x"],
  ["x-control", "a\r\nb: c"],
  ["x-nul", "\0"],
  ["cookie", "x".repeat(20_000)],
);

/** Frames that are out of place, or of a kind that there is not. */
const strayFrames = fc
  .tuple(fc.nat(12), fc.nat(255), fc.constantFrom(0, 1, 2, 3, 0x7fff_ffff), fc.uint8Array({ maxLength: 30 }))
  .map(([type, flags, stream, payload]) => http2Frame(type, flags, stream, payload));

const settings = fc.constantFrom<Record<number, number>>(
  {},
  { 1: 0 },
  { 1: 0xffff_ffff },
  { 3: 0 },
  { 4: 0xffff_ffff },
  { 5: 1 },
  { 6: 0 },
  { 99: 1 },
);

/** Whole connections whose frames, or their order, or what they say, is wrong. */
export function rawInputs(known: Known): fc.Arbitrary<RawInput> {
  const get = fc.constantFrom(...known.ids).map(getUser);
  const more = fc.option(forbidden, { nil: undefined, freq: 2 });
  const strays = fc.array(strayFrames, { maxLength: 2 });
  const change = fc.option(byteBreaks, { nil: undefined, freq: 3 });
  return fc.tuple(get, settings, more, strays, change).map(([request, offered, header, stray, broken]) => {
    const fields: (readonly [string, string])[] = [
      [":method", "POST"],
      [":scheme", "http"],
      [":path", pathOf(request.method)],
      [":authority", "localhost"],
      ["content-type", "application/grpc"],
      ...(header === undefined ? [] : [header]),
    ];
    const frames = Buffer.concat([
      settingsFrame(offered),
      ...stray,
      http2Frame(frameType.headers, endHeaders, 1, headerBlock(fields)),
      http2Frame(frameType.data, endStream, 1, frame(bytesOf(request))),
      http2Frame(frameType.ping, 0, 0, new Uint8Array(8)),
    ]);
    const sent = broken === undefined ? frames : broken(frames);
    return { port: "raw grpc" as const, kind: "HTTP/2", bytes: Buffer.concat([preface, sent]) };
  });
}
