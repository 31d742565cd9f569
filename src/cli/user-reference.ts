import type { UserReference } from "../domain/user/user-reference.ts";
import { UsageError } from "./usage-error.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const said = /^(id|email|username):(.*)$/s;

/**
 * The user that an argument identifies: a UUID is an id, text with an "@" is an email, everything else is a username.
 * The prefixes "id:", "email:" and "username:" override this.
 * @throws UsageError if the text after "id:" is not a UUID
 */
export function userReference(argument: string): UserReference {
  const [, kind, value] = said.exec(argument) ?? [];
  if (kind === "id" && !uuid.test(value ?? "")) throw new UsageError("the id of a user is a UUID");
  if (kind !== undefined && value !== undefined) return { kind: kind as UserReference["kind"], value };
  if (uuid.test(argument)) return { kind: "id", value: argument };
  return { kind: argument.includes("@") ? "email" : "username", value: argument };
}
