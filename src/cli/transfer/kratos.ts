import {
  attributesOf,
  type ForeignRow,
  identifiers,
  nameOf,
  objectAt,
  optionalObject,
  type ReadOptions,
  suspensionIf,
  textAt,
  timeAt,
} from "./foreign.ts";

/** An identity of Ory Kratos, as its admin API lists it with its credentials, or as its import takes it. */
export function kratosIdentity(value: unknown, options: ReadOptions): ForeignRow {
  const identity = objectAt(value);
  const traits = optionalObject(identity["traits"], "traits");
  const password = optionalObject(
    optionalObject(identity["credentials"], "credentials")["password"],
    "password",
  );
  const config = optionalObject(password["config"], "config");
  const { email, username, name } = traits;
  const parts = typeof name === "string" ? { first: name } : optionalObject(name, "name");
  return {
    record: {
      user: {
        id: textAt(identity, "id"),
        ...identifiers(textAt({ email }, "email"), textAt({ username }, "username")),
        displayName: nameOf(textAt(parts, "first"), textAt(parts, "last")),
        attributes: attributesOf(identity["metadata_public"], options),
        createTime: timeAt(identity, "created_at"),
        ...suspensionIf(identity["state"] === "inactive", "inactive in Kratos"),
      },
      passwordHash: textAt(config, "hashed_password"),
    },
  };
}
