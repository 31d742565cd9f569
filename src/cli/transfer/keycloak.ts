import {
  attributesOf,
  type ForeignRow,
  identifiers,
  nameOf,
  objectAt,
  type ReadOptions,
  suspensionIf,
  textAt,
  timeAt,
} from "./foreign.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A user of a Keycloak export: of `users` of a realm, or of a file of users. */
export function keycloakUser(value: unknown, options: ReadOptions): ForeignRow {
  const user = objectAt(value);
  const id = textAt(user, "id");
  const credentials = [user["credentials"] ?? []].flat().map((each) => objectAt(each, "credentials"));
  const password = credentials.find(({ type }) => type === "password");
  return {
    record: {
      user: {
        // Users of a federation have ids of another form.
        id: uuid.test(id) ? id : "",
        ...identifiers(textAt(user, "email"), textAt(user, "username")),
        displayName: nameOf(textAt(user, "firstName"), textAt(user, "lastName")),
        attributes: attributesOf(user["attributes"], options),
        createTime: timeAt(user, "createdTimestamp"),
        ...suspensionIf(user["enabled"] === false, "disabled in Keycloak"),
      },
      passwordHash:
        password === undefined
          ? ""
          : JSON.stringify({
              credentialData: password["credentialData"],
              secretData: password["secretData"],
            }),
    },
  };
}
