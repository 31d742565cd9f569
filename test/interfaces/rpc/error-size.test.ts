import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { array, assert, constantFrom, integer, option, property, record, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { DomainError, type InvalidReason, invalidFields } from "../../../src/domain/errors.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../../../src/gen/google/rpc/error_details_pb.ts";
import { errorStatus } from "../../../src/infrastructure/grpc/grpc-status.ts";
import { listenGrpc } from "../../../src/infrastructure/grpc/listen-grpc.ts";
import { toConnectError, unknownMethod } from "../../../src/interfaces/rpc/errors.ts";
import { createAdmission } from "../../../src/interfaces/rpc/interceptors/authorize.ts";
import { logCalls } from "../../../src/interfaces/rpc/interceptors/log-calls.ts";
import { validateRequests } from "../../../src/interfaces/rpc/interceptors/validate.ts";
import { createRoutes, permissionsOfMethods } from "../../../src/interfaces/rpc/routes.ts";
import { contextOf } from "../../../src/interfaces/rpc/rpc-call.ts";
import { methods } from "../../canaries/filled-requests.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { rawGrpc } from "../../support/raw-grpc.ts";
import { servicesOn } from "../../support/services.ts";

/** Of the 8 KiB that grpc-java accepts. */
const limit = 7 * 1024;
const requestId = "r".repeat(128);
const unicode = (maxLength: number) => string({ unit: "binary", maxLength });
/** Short ones most of the time, and now and then one that is far too long. */
const text = constantFrom(1, 10, 200, 3_000).chain((times) =>
  unicode(40).map((characters) => characters.repeat(times)),
);

/** Bytes of the trailers of an answer without a message, as HTTP/2 counts a header list. */
function trailerBytes(error: ConnectError): number {
  const { code, details, metadata } = errorStatus(error);
  const fields: [string, string][] = [
    [":status", "200"],
    ["content-type", "application/grpc+proto"],
    ["date", new Date().toUTCString()],
    ["grpc-status", String(code)],
    ["grpc-message", encodeURIComponent(String(details))],
  ];
  for (const [name, value] of Object.entries(metadata?.getMap() ?? {})) {
    fields.push([name, Buffer.isBuffer(value) ? value.toString("base64") : String(value)]);
  }
  return listBytes(fields);
}

function listBytes(fields: readonly (readonly [string, string])[]): number {
  return fields.reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 32, 0);
}

function violationsOf(error: ConnectError) {
  const [badRequest] = error.findDetails(BadRequestSchema);
  const [info] = error.findDetails(ErrorInfoSchema);
  return {
    first: badRequest?.fieldViolations ?? [],
    omitted: Number(info?.metadata["omittedViolations"] ?? 0),
  };
}

describe("the trailers of an error stay below 7 KiB", () => {
  test("whatever violations, message and waiting time it has", () => {
    const violation = record({ field: text, description: text });
    const violations = constantFrom(1, 1, 30, 1_000).chain((times) =>
      array(violation, { maxLength: 20 }).map((some) => Array.from({ length: times }, () => some).flat()),
    );
    const waiting = option(integer({ min: 0, max: 2 ** 40 }), { nil: undefined });
    assert(
      property(violations, text, waiting, (violations, message, retryAfterMs) => {
        const details = { violations, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
        const error = toConnectError(new DomainError("TOO_MANY_ATTEMPTS", message, details), requestId);
        expect(trailerBytes(error)).toBeLessThan(limit);
        const { first, omitted } = violationsOf(error);
        expect(first.length + omitted).toBe(violations.length);
        expect(first.length > 0).toBe(violations.length > 0);
      }),
    );
  });

  test.each([1, 2, 3, 10, 110, 500, 1_000])("with %i violations: the first, and how many more", (count) => {
    const violations = Array.from({ length: count }, (_, i) => ({
      field: `keys[${i}].id`,
      description: "must be a valid UUID",
    }));
    const error = toConnectError(invalidFields("INVALID_REQUEST", violations), requestId);
    const { first, omitted } = violationsOf(error);
    expect(first.map(({ field, description }) => ({ field, description }))).toEqual(
      violations.slice(0, first.length),
    );
    expect(omitted).toBe(count - first.length);
    expect(first.length).toBeGreaterThanOrEqual(Math.min(count, 30));
    expect(error.rawMessage.includes(`and ${count - 5} more`)).toBe(count > 5);
  });

  test.each([
    ["ASCII", "a"],
    ["spaces", " "],
    ["two bytes", "é"],
    ["three bytes", "漢"],
    ["four bytes", "🎉"],
    ["half a character", "\ud83c"],
    ["NUL", "\0"],
  ])("with a long path, description or message of %s", (_name, unit) => {
    for (const length of [100, 255, 256, 257, 511, 512, 513, 799, 800, 801, 100_000]) {
      const long = unit.repeat(length);
      for (const error of [
        toConnectError(invalidFields("INVALID_REQUEST", [{ field: long, description: long }]), requestId),
        toConnectError(new DomainError("PERMISSION_DENIED", long), requestId),
        toConnectError(new ConnectError(long, Code.InvalidArgument), requestId),
        unknownMethod(`/${long}`),
      ]) {
        expect(trailerBytes(error)).toBeLessThan(limit);
        expect(error.rawMessage.isWellFormed()).toBe(true);
      }
    }
  });

  test("and what fits is not cut", () => {
    const reason: InvalidReason = "EMAIL_INVALID";
    const error = toConnectError(invalidFields(reason, [{ field: "a", description: "é".repeat(256) }]), "r");
    expect(violationsOf(error).first[0]?.description).toBe("é".repeat(256));
  });
});

/** A value that breaks whatever rule the field has, however it is filled. */
function bad(field: DescField, depth: number): unknown {
  if (field.message !== undefined) return depth === 0 ? undefined : badMessage(field.message, depth - 1, 3);
  if (field.fieldKind === "enum" || field.enum !== undefined) return 999;
  switch (field.scalar) {
    case ScalarType.STRING:
      return "\0 é 漢字 ".repeat(100);
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return 2n ** 62n;
    default:
      return -1;
  }
}

/** @param repetitions how many values each repeated field and each map gets */
function badMessage({ members }: DescMessage, depth = 3, repetitions = 500): Record<string, unknown> {
  const init: Record<string, unknown> = {};
  for (const member of members) {
    if (member.kind === "oneof") {
      const [first] = member.fields;
      if (first) init[member.localName] = { case: first.localName, value: bad(first, depth) };
    } else if (member.fieldKind === "map") {
      const entry = (_: unknown, i: number) => [`Ключ ${i} `.repeat(20), "\0"];
      init[member.localName] = Object.fromEntries(Array.from({ length: repetitions }, entry));
    } else if (member.fieldKind === "list") {
      init[member.localName] = Array.from({ length: repetitions }, () => bad(member, depth));
    } else {
      init[member.localName] = bad(member, depth);
    }
  }
  return init;
}

async function served() {
  const services = servicesOn(new InMemoryRepository());
  const { address, drain } = await listenGrpc({
    address: "127.0.0.1:0",
    routes: createRoutes(services),
    interceptors: [
      logCalls({ info() {}, warn() {}, error() {} }),
      createAdmission(services.callers, permissionsOfMethods).authorize,
      validateRequests,
    ],
    contextOf,
    unknownMethod,
  });
  return { address, [Symbol.asyncDispose]: () => drain(0) };
}

describe("on a gRPC socket", () => {
  test.each([110, 500])("BatchGetUsers with %i ids that are not UUIDs", async (count) => {
    await using server = await served();
    const keys = Array.from({ length: count }, (_, i) => ({
      key: { case: "id" as const, value: `no-${i}` },
    }));
    const method = methods.find(({ name }) => name === "BatchGetUsers")!;
    const answer = await rawGrpc(server.address, method, { keys });
    expect(answer.status).toBe(3);
    expect(answer.trailerBytes).toBeLessThan(limit);
    expect(answer.violations[0]).toMatchObject({ field: "keys[0].id" });
    expect(answer.violations.length + answer.omittedViolations).toBe(count);
  });

  test.each(
    methods.filter(({ input }) => input.fields.length > 0).map((method) => [method.name, method] as const),
  )("%s with bad values in every field, 500 in each that repeats", async (_name, method) => {
    await using server = await served();
    const answer = await rawGrpc(server.address, method, badMessage(method.input));
    expect(answer.status).not.toBe(0);
    expect(answer.trailerBytes).toBeLessThan(limit);
    expect(answer.violations.length > 0).toBe(answer.status === Code.InvalidArgument);
  });
});
