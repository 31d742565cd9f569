import type { UserReference } from "../domain/user/user-reference.ts";
import { UsageError } from "./usage-error.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const said = /^(id|email|username):(.*)$/s;

/**
 * Whom an argument means: a UUID is an id, what has an "@" an email, and all else a username. "id:", "email:" and
 * "username:" before it say so where it could be meant otherwise.
 * @throws UsageError about an id that is none
 */
export function userReference(argument: string): UserReference {
  const [, kind, value] = said.exec(argument) ?? [];
  if (kind === "id" && !uuid.test(value ?? "")) throw new UsageError("the id of a user is a UUID");
  if (kind !== undefined && value !== undefined) return { kind: kind as UserReference["kind"], value };
  if (uuid.test(argument)) return { kind: "id", value: argument };
  return { kind: argument.includes("@") ? "email" : "username", value: argument };
}
