import { type DomainError, invalidField } from "../errors.ts";
import type { Attributes } from "./user.ts";

/** The fields of a user that a caller can change, as it sent them: identifiers are not yet canonical. */
export interface UserFields {
  readonly email: string | undefined;
  readonly username: string | undefined;
  readonly displayName: string;
  readonly attributes: Attributes;
}

const attributePath = /^attributes\.([a-z][a-z0-9_]{0,62})$/;

/**
 * What an update mask asks for (AIP-134): for each field, what it becomes given what it is. Paths are "email",
 * "username", "display_name", "attributes", one attribute as "attributes.key" (AIP-161), and "*" for all fields.
 * @throws UPDATE_MASK_INVALID where a path is none of these, or there is no path.
 */
export function applyUpdateMask(
  paths: readonly string[],
  current: UserFields,
  wanted: UserFields,
): UserFields {
  if (paths.length === 0) throw invalidMask("the mask is empty");
  return paths.reduce((fields, path) => applyPath(path, fields, wanted), current);
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
      const key = attributePath.exec(path)?.[1];
      if (key === undefined) throw invalidMask(`"${path}" is no field that can be changed`);
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
