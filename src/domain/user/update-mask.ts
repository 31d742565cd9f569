import { type DomainError, invalidField } from "../errors.ts";
import type { Attributes } from "./user.ts";

/** The fields of a user that a caller can change, as it sent them: identifiers are not yet canonical. */
export interface UserFields {
  readonly email: string | undefined;
  readonly username: string | undefined;
  readonly displayName: string;
  readonly attributes: Attributes;
}

const attributePrefix = "attributes.";

/**
 * What an update mask asks for (AIP-134): for each field, what it becomes given what it is. Paths are "email",
 * "username", "display_name", "attributes", one attribute as "attributes.key" (AIP-161), and "*" for all fields.
 * @throws UPDATE_MASK_INVALID if a path is not one of these, if it names an attribute that is neither in `current` nor in
 *   `wanted`, or if there is no path.
 */
export function applyUpdateMask(
  paths: readonly string[],
  current: UserFields,
  wanted: UserFields,
): UserFields {
  if (paths.length === 0) throw invalidMask("must not be empty");
  for (const path of paths) assertKnown(path, current, wanted);
  return paths.reduce((fields, path) => applyPath(path, fields, wanted), current);
}

/** A misspelt key would otherwise be answered with OK and change nothing. */
function assertKnown(path: string, { attributes }: UserFields, wanted: UserFields): void {
  if (!path.startsWith(attributePrefix)) return;
  const key = path.slice(attributePrefix.length);
  if (Object.hasOwn(attributes, key) || Object.hasOwn(wanted.attributes, key)) return;
  throw invalidMask(`"${path}" is neither in the request nor in the stored user`);
}

function applyPath(path: string, fields: UserFields, wanted: UserFields): UserFields {
  switch (path) {
    case "*":
      return wanted;
    case "email":
      return { ...fields, email: wanted.email };
    case "username":
      return { ...fields, username: wanted.username };
    case "display_name":
      return { ...fields, displayName: wanted.displayName };
    case "attributes":
      return { ...fields, attributes: wanted.attributes };
    default: {
      if (!path.startsWith(attributePrefix)) throw invalidMask(`"${path}" is not an updatable field`);
      const key = path.slice(attributePrefix.length);
      return { ...fields, attributes: withAttribute(fields.attributes, key, wanted.attributes) };
    }
  }
}

function withAttribute(attributes: Attributes, key: string, wanted: Attributes): Attributes {
  const { [key]: _, ...others } = attributes;
  // Own properties only: "constructor" is a good key.
  return Object.hasOwn(wanted, key) ? { ...others, [key]: wanted[key] ?? "" } : others;
}

function invalidMask(description: string): DomainError {
  return invalidField("UPDATE_MASK_INVALID", "update_mask", description);
}
