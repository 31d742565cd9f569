import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { byteBreaks } from "./broken-bytes.ts";
import type { Encoding } from "./envelopes.ts";
import type { Headers } from "./inputs.ts";
import { type Known, methods, pathOf, type Request } from "./messages.ts";

export function bytesOf({ method, message }: Request): Uint8Array {
  return toBinary(method.input, message);
}

export function getUser(id: string): Request {
  const method = UserService.method.getUser;
  return { method, message: create(method.input, { id }) };
}

/** Some character is another one, is missing or there is more: of tokens and of paths. */
const brokenText = (text: string): fc.Arbitrary<string> =>
  fc.oneof(
    byteBreaks.map((change) =>
      Buffer.from(change(Buffer.from(text)))
        .toString("latin1")
        .slice(0, 1_500),
    ),
    fc.tuple(fc.nat(text.length), fc.nat(text.length)).map(([from, to]) => text.slice(from, to)),
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.constantFrom(
      "",
      "=",
      "AAAA",
      text.repeat(2),
      `${text}=`,
      text.toLowerCase(),
      [...text].reverse().join(""),
    ),
  );

export function tokenRequests(known: Known): fc.Arbitrary<Request> {
  const method = UserService.method.listUsers;
  return fc
    .tuple(brokenText(known.pageToken), fc.constantFrom("", "id desc"), fc.nat(3))
    .map(([pageToken, orderBy, pageSize]) => ({
      method,
      message: create(method.input, { pageToken: pageToken.toWellFormed(), orderBy, pageSize }),
    }));
}

/** What may stand in the first line of HTTP/1.1, and in :path: no blanks, no controls. */
function asPath(text: string): string {
  return `/${encodeURI(text.toWellFormed()).slice(1)}`.replaceAll(/[^\x21-\x7e]/g, "%");
}

export const paths = fc.oneof(
  fc.constantFrom(...methods).chain((method) => brokenText(pathOf(method)).map(asPath)),
  fc.constantFrom(
    "/",
    "//",
    "/?",
    "/livez/",
    "/readyz?x",
    "/auth.v1.UserService",
    "/auth.v1.UserService/",
    "/../../etc/passwd",
    "/%00",
    "/%",
    "/%ff",
    "/#",
    "/__proto__",
    "/constructor/toString",
    "/grpc.health.v1.Health/Nope",
    `/${"x".repeat(4_000)}`,
  ),
);

export const gzipHeaders = (encoding: string): Headers => ({ "grpc-encoding": encoding });

export const brokenGzip: fc.Arbitrary<{ change: (bytes: Uint8Array) => Uint8Array; encoding: Encoding }> =
  fc.record({
    change: byteBreaks,
    encoding: fc.constantFrom<Encoding>("gzip", "deflate", "br"),
  });
