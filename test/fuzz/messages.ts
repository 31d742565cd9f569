import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import { serviceDescriptors } from "../../src/interfaces/rpc/routes.ts";
import { password } from "../support/services.ts";

/** What the database holds, so that mutated requests get as far as it. */
export interface Known {
  readonly ids: readonly string[];
  readonly pageToken: string;
}

/** A request that a caller could mean, and the method it is for. */
export interface Request {
  readonly method: DescMethod;
  readonly message: Message;
}

export const methods: readonly DescMethod[] = serviceDescriptors.flatMap((service) => service.methods);

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Requests of every method, made from the descriptors: each field by its type, and by its name where that says more. */
export function requests(known: Known): fc.Arbitrary<Request> {
  const fields = fieldsByName(known);
  return fc.oneof(
    ...methods.map((method) =>
      fc.record({ method: fc.constant(method), message: messages(method.input, fields) }),
    ),
  );
}

type Fields = ReadonlyMap<string, fc.Arbitrary<unknown>>;

function messages(desc: DescMessage, fields: Fields): fc.Arbitrary<Message> {
  const members = desc.members.map((member) => {
    const values =
      member.kind === "oneof"
        ? fc.oneof(
            ...member.fields.map((field) =>
              fc.record({ case: fc.constant(field.localName), value: valuesOf(field, fields) }),
            ),
          )
        : valuesOf(member, fields);
    return [member.localName, fc.option(values, { nil: undefined, freq: 8 })] as const;
  });
  return fc.record(Object.fromEntries(members)).map((init) => {
    const given = Object.entries(init).filter(([, value]) => value !== undefined);
    return create(desc, Object.fromEntries(given));
  });
}

function valuesOf(field: DescField, fields: Fields): fc.Arbitrary<unknown> {
  const named = fields.get(field.name);
  if (named !== undefined) return named;
  switch (field.fieldKind) {
    case "scalar":
      return scalars(field.scalar);
    case "enum":
      return fc.constantFrom(...field.enum.values.map(({ number }) => number));
    case "message":
      return messages(field.message, fields);
    case "list":
      return fc.array(elementsOf(field, fields), { maxLength: 5 });
    case "map":
      return fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,9}$/), fc.string(), { maxKeys: 4 });
  }
}

function elementsOf(field: DescField & { fieldKind: "list" }, fields: Fields): fc.Arbitrary<unknown> {
  switch (field.listKind) {
    case "message":
      return messages(field.message, fields);
    case "enum":
      return fc.constantFrom(...field.enum.values.map(({ number }) => number));
    case "scalar":
      return scalars(field.scalar);
  }
}

function scalars(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return fc.oneof(fc.string(), fc.string({ unit: "binary", maxLength: 40 }));
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 20 });
    case ScalarType.INT64:
      return fc.bigInt({ min: 0n, max: 4_000_000_000n });
    case ScalarType.INT32:
      return fc.oneof(fc.nat(1_000), fc.integer());
    default:
      throw new Error(`the API has a type that it had not before: ${ScalarType[type]}`);
  }
}

function fieldsByName({ ids, pageToken }: Known): Fields {
  const id = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...ids) }, fc.uuid(), fc.string());
  const passwords = fc.oneof(
    { weight: 3, arbitrary: fc.constant(password) },
    fc.string(),
    fc.string({ minLength: 15, maxLength: 70 }),
  );
  const name = fc.stringMatching(/^[a-z]{4,12}$/);
  const orders = fc.constantFrom("", "create_time", "create_time desc", "id", "id desc");
  const paths = fc.constantFrom(
    "email",
    "username",
    "display_name",
    "attributes",
    "attributes.a",
    "id",
    "*",
    "state",
  );
  return new Map<string, fc.Arbitrary<unknown>>([
    ["id", id],
    ["user_id", id],
    [
      "identifier",
      fc.oneof(
        name,
        name.map((local) => `${local}@example.com`),
        fc.string(),
      ),
    ],
    [
      "email",
      fc.oneof(
        { weight: 4, arbitrary: name.map((local) => `${local}@example.com`) },
        fc.string({ unit: "grapheme" }),
      ),
    ],
    ["username", fc.oneof({ weight: 4, arbitrary: name }, fc.string({ unit: "grapheme" }))],
    ["password", passwords],
    ["current_password", passwords],
    ["new_password", passwords],
    ["request_id", fc.oneof(fc.constant(""), fc.uuid(), fc.constantFrom(...ids))],
    ["page_token", fc.constantFrom("", pageToken)],
    ["order_by", orders],
    ["etag", fc.oneof({ weight: 5, arbitrary: fc.constant("") }, fc.string())],
    ["reason", fc.string({ minLength: 1, maxLength: 300 })],
    ["paths", fc.array(paths, { maxLength: 5 })],
    ["nanos", fc.nat(999_999_999)],
  ]);
}
