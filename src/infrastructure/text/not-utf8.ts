import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { DomainError } from "../../domain/errors.ts";
import { describeInvalidUtf8, findInvalidUtf8 } from "./utf8.ts";

/** The error for a JSON request whose bytes are not UTF-8 (RFC 8259 §8.1), or undefined if they are. */
export function jsonFault({ typeName }: DescMessage, bytes: Uint8Array): DomainError | undefined {
  return faultOf(typeName, "", bytes);
}

/**
 * The error for the first string of a binary request that is not UTF-8 (proto3 requires it), with the path of the
 * field. Undefined if all strings are UTF-8, or if the bytes in front of it are malformed.
 */
export function binaryFault(schema: DescMessage, bytes: Uint8Array): DomainError | undefined {
  try {
    for (const { field, value } of strings(schema, bytes, "")) {
      const fault = faultOf(schema.typeName, field, value);
      if (fault !== undefined) return fault;
    }
  } catch {
    // The decoder accepts field types that do not fit the schema in another way.
  }
  return undefined;
}

function faultOf(typeName: string, field: string, bytes: Uint8Array): DomainError | undefined {
  const invalid = findInvalidUtf8(bytes);
  if (invalid === undefined) return undefined;
  const description = describeInvalidUtf8(invalid);
  const fault = field === "" ? description : `${field}: ${description}`;
  return new DomainError("INVALID_REQUEST", `the request is not a valid ${typeName}: ${fault}`, {
    violations: [{ field, description }],
  });
}

interface StringField {
  readonly field: string;
  readonly value: Uint8Array;
}

/** The strings of a message, in the order of its bytes. */
function* strings({ fields }: DescMessage, bytes: Uint8Array, path: string): Generator<StringField> {
  for (const [number, value] of parts(bytes)) {
    const field = fields.find((each) => each.number === number);
    if (field !== undefined) yield* stringsOf(field, value, `${path}${field.name}`);
  }
}

function* stringsOf(field: DescField, value: Uint8Array, path: string): Generator<StringField> {
  if (field.fieldKind === "map") {
    for (const [number, part] of parts(value)) {
      if (number === 2 && field.message !== undefined) yield* strings(field.message, part, `${path}.`);
      else if ((number === 1 ? field.mapKey : field.scalar) === ScalarType.STRING) {
        yield { field: path, value: part };
      }
    }
  } else if (field.message !== undefined) yield* strings(field.message, value, `${path}.`);
  else if (field.scalar === ScalarType.STRING) yield { field: path, value };
}

/** The length-delimited parts of a message, with their field numbers. */
function* parts(bytes: Uint8Array): Generator<[number: number, part: Uint8Array]> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) yield [number, reader.bytes()];
    else reader.skip(wireType, number);
  }
}
