import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  BatchIntrospectTokensResponseSchema,
  IntrospectTokenResponseSchema,
  TokenService,
} from "../../../src/gen/auth/v1/token_service_pb.ts";
import { encodeResponse } from "../../../src/infrastructure/grpc/message-bytes.ts";

const method = TokenService.method.introspectToken;
const answer = (subject: string) =>
  create(IntrospectTokenResponseSchema, { active: true, claims: { subject } });

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
