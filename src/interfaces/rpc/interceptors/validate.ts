import {
  create,
  type DescMessage,
  type DescService,
  type Message,
  type MessageShape,
} from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import type { Interceptor, StreamRequest } from "@connectrpc/connect";
import { type FieldViolation, invalidFields } from "../../../domain/errors.ts";
import { unstorable } from "../../../domain/storable-text.ts";
import { matchPattern } from "./match-pattern.ts";
import { unstorableTexts } from "./storable-text.ts";
import { assertKnownFields } from "./unknown-fields.ts";

const validator = createValidator({ regexMatch: matchPattern });

/**
 * Validates every request message against its schema: no unknown fields, and the rules of each field (protovalidate).
 * The error names every field that breaks a rule.
 */
export const validateRequests: Interceptor = (next) => (request) => {
  if (request.stream) return next({ ...request, message: validated(request) });
  assertAcceptable(request.method.input, request.message);
  return next(request);
};

/** The messages of a request, each validated when it is read. */
async function* validated({ method, message }: StreamRequest): AsyncGenerator<Message> {
  for await (const each of message) {
    assertAcceptable(method.input, each);
    yield each;
  }
}

function assertAcceptable(schema: DescMessage, message: Message): void {
  assertKnownFields(schema, message);
  assertValid(schema, message);
}

/** @throws INVALID_REQUEST with each field whose text the database cannot store, or that breaks a rule of its schema */
export function assertValid<Schema extends DescMessage>(schema: Schema, message: MessageShape<Schema>): void {
  const texts = unstorableTexts(schema, message);
  const result = validator.validate(schema, message);
  if (result.kind === "error" && texts.length === 0) throw result.error;
  const broken = result.kind === "invalid" ? result.violations.map(toFieldViolation) : [];
  const named = new Set(texts.map(({ field }) => field));
  // A path with such text contains a map key, which is already among the texts.
  const others = broken.filter(({ field }) => !named.has(field) && unstorable(field) === undefined);
  const violations = [...texts, ...others];
  if (violations.length > 0) throw invalidFields("INVALID_REQUEST", violations);
}

/**
 * Compiles the rules of every method, one per turn of the event loop. Otherwise the first callers would wait 150 ms.
 */
export async function warmUpValidation(services: readonly DescService[]): Promise<void> {
  for (const { input } of services.flatMap(({ methods }) => methods)) {
    await new Promise((resolve) => setImmediate(resolve));
    validator.validate(input, create(input));
  }
}

function toFieldViolation({ field, ruleId, message }: Violation): FieldViolation {
  // The id of a rule for a whole message is the name of the field that it concerns.
  return { field: pathToString(field) || ruleId, description: message };
}
