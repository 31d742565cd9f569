import { type DomainError, invalidField } from "../errors.ts";
import type { Attributes } from "./user.ts";

/** The fields of a user that a caller can change, as sent: identifiers are not yet canonical. */
export interface UserFields {
  readonly email: string | undefined;
  readonly username: string | undefined;
  readonly displayName: string;
  readonly attributes: Attributes;
}

const attributePrefix = "attributes.";

/**
 * Applies an update mask (AIP-134). Paths are "email", "username", "display_name", "attributes", a single attribute as
 * "attributes.key" (AIP-161), and "*" for all fields.
 * @throws UPDATE_MASK_INVALID if there is no path, if a path is not one of these, or if it names an attribute that is
 *   neither in `current` nor in `wanted`
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

/** Otherwise a misspelt key would return OK and change nothing. */
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
  // Own properties only: "constructor" is a valid key.
  return Object.hasOwn(wanted, key) ? { ...others, [key]: wanted[key] ?? "" } : others;
}

function invalidMask(description: string): DomainError {
  return invalidField("UPDATE_MASK_INVALID", "update_mask", description);
}
