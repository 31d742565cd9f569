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
 * Holds every request message to its schema: to the fields that it has, and to their rules (protovalidate). The error
 * names each field that breaks one.
 */
export const validateRequests: Interceptor = (next) => (request) => {
  if (request.stream) return next({ ...request, message: validated(request) });
  assertAcceptable(request.method.input, request.message);
  return next(request);
};

/** The messages of a request, of one or of many, each held to its schema when it is taken. */
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

/**
 * @throws INVALID_REQUEST that names each field whose text the database cannot store, or which breaks a rule of its schema
 */
export function assertValid<Schema extends DescMessage>(schema: Schema, message: MessageShape<Schema>): void {
  const texts = unstorableTexts(schema, message);
  const result = validator.validate(schema, message);
  if (result.kind === "error" && texts.length === 0) throw result.error;
  const broken = result.kind === "invalid" ? result.violations.map(toFieldViolation) : [];
  const named = new Set(texts.map(({ field }) => field));
  // Paths with such text are those of keys, which are among the texts.
  const others = broken.filter(({ field }) => !named.has(field) && unstorable(field) === undefined);
  const violations = [...texts, ...others];
  if (violations.length > 0) throw invalidFields("INVALID_REQUEST", violations);
}

/** Compiles the rules of every method, one a turn of the event loop: else the first callers wait 150 ms for it. */
export async function warmUpValidation(services: readonly DescService[]): Promise<void> {
  for (const { input } of services.flatMap(({ methods }) => methods)) {
    await new Promise((resolve) => setImmediate(resolve));
    validator.validate(input, create(input));
  }
}

function toFieldViolation({ field, ruleId, message }: Violation): FieldViolation {
  // A rule about a whole message has the name of the field that it is about as its id.
  return { field: pathToString(field) || ruleId, description: message };
}
