import {
  type DescField,
  type DescMessage,
  fromJsonString,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import { isFieldError } from "@bufbuild/protobuf/reflect";
import { Code, ConnectError } from "@connectrpc/connect";
import { DomainError, invalidField } from "../../domain/errors.ts";
import { findImpossibleTime, holdsTimes } from "../text/json-times.ts";
import { jsonFault } from "../text/not-utf8.ts";

/** TextDecoder drops a byte order mark (RFC 8259 §8.1). */
const utf8 = new TextDecoder();

/**
 * Decodes a request in ProtoJSON. Unlike Connect's own codec it ignores neither unknown keys nor unknown enum names.
 * Bytes that are not UTF-8 are refused, because replacement characters would change the request.
 *
 * @throws DomainError INVALID_REQUEST if the bytes are not UTF-8, with the offset of the first invalid byte, or if a
 *   time does not exist
 * @throws DomainError UNKNOWN_FIELD with the path of each unknown key
 * @throws ConnectError INVALID_ARGUMENT if the JSON does not fit the message type
 */
export function decodeJson(schema: DescMessage, bytes: Uint8Array, registry: Registry | undefined): Message {
  const fault = jsonFault(schema, bytes);
  if (fault !== undefined) throw fault;
  const text = utf8.decode(bytes);
  try {
    const message = fromJsonString(schema, text, registry === undefined ? {} : { registry });
    if (holdsTimes(schema)) assertTimes(schema, JSON.parse(text));
    return message;
  } catch (cause) {
    throw cause instanceof DomainError ? cause : faultOf(schema, text, cause);
  }
}

function assertTimes(schema: DescMessage, json: unknown): void {
  const field = findImpossibleTime(schema, json);
  if (field === undefined) return;
  throw invalidField("INVALID_REQUEST", field, "must be a time in RFC 3339 with an offset");
}

/** Maximum number of unknown keys that the error names. */
const maxNamed = 20;
/** Keys that an error may quote. Any other key could be a secret in the wrong place. */
const fieldName = /^[a-z_][a-z0-9_]{0,39}$/i;

function faultOf(schema: DescMessage, text: string, cause: unknown): Error {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return notValid(schema, "malformed JSON", cause);
  }
  const unknown = [...unknownKeys(schema, json, "", 0)];
  if (unknown.length === 0) return notValid(schema, fieldOf(cause), cause);
  const violations = unknown.slice(0, maxNamed).map((field) => ({ field, description: "unknown field" }));
  return new DomainError("UNKNOWN_FIELD", `${violations[0]?.field}: unknown field`, { violations, cause });
}

function notValid({ typeName }: DescMessage, reason: string | undefined, cause?: unknown): ConnectError {
  const message = `the request is not a valid ${typeName}${reason === undefined ? "" : `: ${reason}`}`;
  return new ConnectError(message, Code.InvalidArgument, undefined, undefined, cause);
}

/** Names the field whose value cannot be read, but not the value, which may be secret. */
function fieldOf(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!isFieldError(cause)) return undefined;
  const { name } = cause.field();
  return `${name}: wrong type or out of range`;
}

/** Maximum nesting depth of protobuf messages. */
const maxDepth = 100;

/** The paths of all keys that are not field names. */
function* unknownKeys(schema: DescMessage, json: unknown, path: string, depth: number): Generator<string> {
  if (!isObject(json) || depth > maxDepth || hasOwnJsonForm(schema)) return;
  for (const [key, value] of Object.entries(json)) {
    const field = schema.fields.find(({ name, jsonName }) => key === name || key === jsonName);
    const at = path === "" ? shown(key) : `${path}.${shown(key)}`;
    if (field === undefined) yield at;
    else yield* unknownKeysOfField(field, value, at, depth + 1);
  }
}

function* unknownKeysOfField(
  field: DescField,
  json: unknown,
  path: string,
  depth: number,
): Generator<string> {
  const { message } = field;
  if (message === undefined) return;
  if (field.fieldKind === "list" && Array.isArray(json)) {
    for (const [index, item] of json.entries()) yield* unknownKeys(message, item, `${path}[${index}]`, depth);
  } else if (field.fieldKind === "map" && isObject(json)) {
    for (const [key, value] of Object.entries(json)) {
      yield* unknownKeys(message, value, `${path}[${JSON.stringify(shown(key))}]`, depth);
    }
  } else if (field.fieldKind === "message") {
    yield* unknownKeys(message, json, path, depth);
  }
}

/** Whether a type has its own JSON form (Struct, Any, Timestamp and the like), whose keys are not fields. */
function hasOwnJsonForm({ typeName }: DescMessage): boolean {
  return typeName.startsWith("google.protobuf.");
}

function shown(key: string): string {
  return fieldName.test(key) ? key : "?";
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
