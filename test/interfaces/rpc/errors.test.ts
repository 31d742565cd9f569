import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { DomainError, kindOfReason, type Reason } from "../../../src/domain/errors.ts";
import { ErrorReasonSchema } from "../../../src/gen/auth/v1/error_reason_pb.ts";
import { toConnectError, unknownMethod } from "../../../src/interfaces/rpc/errors.ts";
import { errorOf } from "../../support/rpc.ts";

const received = (error: unknown) => errorOf(Promise.reject(toConnectError(error, "request-1")));

const domainError = (reason: Reason) =>
  new DomainError(reason as "CONTENTION", "a sentence", { violations: [] });

/** The table of the API: reason, code. error_reason.proto says the same in prose. */
const codes: Record<Reason, Code> = {
  INVALID_REQUEST: Code.InvalidArgument,
  UNKNOWN_FIELD: Code.InvalidArgument,
  EMAIL_INVALID: Code.InvalidArgument,
  USERNAME_INVALID: Code.InvalidArgument,
  PASSWORD_UNACCEPTABLE: Code.InvalidArgument,
  PASSWORD_HASH_UNACCEPTABLE: Code.InvalidArgument,
  PAGE_TOKEN_INVALID: Code.InvalidArgument,
  UPDATE_MASK_INVALID: Code.InvalidArgument,
  SUSPENSION_IN_PAST: Code.InvalidArgument,
  USER_NOT_FOUND: Code.NotFound,
  USER_ID_TAKEN: Code.AlreadyExists,
  EMAIL_TAKEN: Code.AlreadyExists,
  USERNAME_TAKEN: Code.AlreadyExists,
  USER_DELETED: Code.FailedPrecondition,
  USER_NOT_DELETED: Code.AlreadyExists,
  ETAG_MISMATCH: Code.Aborted,
  REQUEST_ID_REUSED: Code.FailedPrecondition,
  CREDENTIALS_INVALID: Code.Unauthenticated,
  REFRESH_TOKEN_INVALID: Code.Unauthenticated,
  CALLER_UNAUTHENTICATED: Code.Unauthenticated,
  PERMISSION_DENIED: Code.PermissionDenied,
  OUT_OF_SCOPE: Code.PermissionDenied,
  EXPIRY_IN_PAST: Code.InvalidArgument,
  ROLE_UNKNOWN: Code.InvalidArgument,
  SERVICE_ACCOUNT_NOT_FOUND: Code.NotFound,
  SERVICE_ACCOUNT_KEY_NOT_FOUND: Code.NotFound,
  SIGNING_KEY_NOT_FOUND: Code.NotFound,
  SERVICE_ACCOUNT_NAME_TAKEN: Code.AlreadyExists,
  TOO_MANY_KEYS: Code.FailedPrecondition,
  SERVICE_ACCOUNT_ROLE_UNKNOWN: Code.FailedPrecondition,
  AUDIENCE_UNKNOWN: Code.InvalidArgument,
  CURSOR_INVALID: Code.InvalidArgument,
  CURSOR_TOO_OLD: Code.FailedPrecondition,
  SHUTTING_DOWN: Code.Unavailable,
  SESSION_NOT_FOUND: Code.NotFound,
  OVERLOADED: Code.ResourceExhausted,
  TOO_MANY_ATTEMPTS: Code.ResourceExhausted,
  DATABASE_UNAVAILABLE: Code.Unavailable,
  DATABASE_READ_ONLY: Code.Unavailable,
  BREACH_CHECK_UNAVAILABLE: Code.Unavailable,
  CONTENTION: Code.Aborted,
  OUTCOME_UNKNOWN: Code.Unknown,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  CANCELLED: Code.Canceled,
};

describe("a domain error", () => {
  test.each(Object.entries(codes) as [Reason, Code][])(
    "%s leaves with its code and an ErrorInfo",
    async (reason, code) => {
      expect(await received(domainError(reason))).toMatchObject({
        code,
        message: "a sentence",
        reason,
        domain: "auth",
        requestId: "request-1",
      });
    },
  );

  test("has BadRequest for its fields and RetryInfo where waiting helps", async () => {
    const violations = [{ field: "a.b", description: "c" }];
    const error = await received(new DomainError("OVERLOADED", "m", { violations, retryAfterMs: 1_250 }));
    expect(error).toMatchObject({ fields: ["a.b"], retryAfterMs: 1_250 });
  });
});

describe("the proto's reasons", () => {
  test("are the domain's and those of the edge, and each says its code first", () => {
    const names = ErrorReasonSchema.values.map(({ name }) => name.replace("ERROR_REASON_", ""));
    const ofListeners = ["MESSAGE_TOO_LARGE", "PROTOCOL_ERROR", "ORIGIN_NOT_ALLOWED", "HOST_NOT_ALLOWED"];
    const edge = ["UNSPECIFIED", "METHOD_NOT_FOUND", "INTERNAL", ...ofListeners];
    expect(names.sort()).toEqual([...Object.keys(kindOfReason), ...edge].sort());
  });
});

describe("what nobody meant to throw", () => {
  test.each([
    new Error("password of ada is hunter2"),
    new TypeError("undefined is not a function"),
    "a string",
    undefined,
    { code: 5, message: "looks like a status" },
    new ConnectError("raw", Code.DataLoss),
  ])("%s leaves as internal error, with its cause kept inside", async (thrown) => {
    const error = toConnectError(thrown, "request-1");
    expect(error.cause).toBe(thrown);
    expect(await errorOf(Promise.reject(error))).toMatchObject({
      code: Code.Internal,
      message: "internal error",
      reason: "INTERNAL",
      requestId: "request-1",
    });
  });
});

describe("what the listeners throw", () => {
  test.each([
    [Code.Canceled, "CANCELLED"],
    [Code.DeadlineExceeded, "DEADLINE_EXCEEDED"],
    [Code.Unimplemented, "METHOD_NOT_FOUND"],
    [Code.InvalidArgument, "INVALID_REQUEST"],
    [Code.ResourceExhausted, "MESSAGE_TOO_LARGE"],
  ])("code %i has a reason of ours", async (code, reason) => {
    expect(await received(new ConnectError("m", code))).toMatchObject({ code, reason, message: "m" });
  });

  test("an unknown method is named", async () => {
    expect(await errorOf(Promise.reject(unknownMethod("/a.B/C")))).toMatchObject({
      code: Code.Unimplemented,
      message: "unknown method /a.B/C",
      reason: "METHOD_NOT_FOUND",
    });
  });
});
