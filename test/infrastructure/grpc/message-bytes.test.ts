import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  BatchIntrospectTokensResponseSchema,
  IntrospectTokenResponseSchema,
  TokenService,
} from "../../../src/gen/auth/v1/token_service_pb.ts";
import { UserService } from "../../../src/gen/auth/v1/user_service_pb.ts";
import { decodeRequest, encodeResponse } from "../../../src/infrastructure/grpc/message-bytes.ts";

const method = TokenService.method.introspectToken;
const answer = (subject: string) =>
  create(IntrospectTokenResponseSchema, { active: true, claims: { subject } });

// Found by test/fuzz: the decoder and the search for the string that is not UTF-8 disagree about what the bytes are.
test.each([
  [TokenService.method.introspectToken, "0c10f1a1aa9ff488b788f3a6ba9cf1ad2202e2829a"],
  [UserService.method.listUsers, "1ca905220be372656174655f74696d652821"],
])("a malformed request of %s is INVALID_ARGUMENT", (method, hex) => {
  expect(() => decodeRequest(method, Buffer.from(hex, "hex"))).toThrow(
    /^\[invalid_argument\] the request is not a valid auth\.v1\.\w+$/,
  );
});

describe("the bytes of an answer", () => {
  test("are what it says at the time", () => {
    const message = answer("before");
    encodeResponse(method, message);
    message.claims = answer("after").claims!;
    expect(fromBinary(IntrospectTokenResponseSchema, encodeResponse(method, message))).toEqual(
      answer("after"),
    );
  });

  test("are kept of one that is frozen, and of no other", () => {
    const frozen = Object.freeze(answer("same"));
    const bytes = encodeResponse(method, frozen);
    expect(encodeResponse(method, frozen)).toBe(bytes);
    expect(fromBinary(IntrospectTokenResponseSchema, bytes)).toEqual(answer("same"));
    const thawed = answer("same");
    expect(encodeResponse(method, thawed)).not.toBe(encodeResponse(method, thawed));
    expect(encodeResponse(method, Object.freeze(answer("other")))).not.toEqual(bytes);
  });

  test("of a list are what it says, whether or not its items are frozen", () => {
    const list = TokenService.method.batchIntrospectTokens;
    const items = ["a", "b", "a"].map(answer);
    for (const results of [[], items, items.map((item) => Object.freeze(item)), [answer("c"), ...items]]) {
      const message = create(BatchIntrospectTokensResponseSchema, { results });
      const expected = Buffer.from(toBinary(BatchIntrospectTokensResponseSchema, message));
      expect(encodeResponse(list, message)).toEqual(expected);
    }
  });
});
