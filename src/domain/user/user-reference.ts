import type { UserKey } from "../../interfaces/relationaldb/user-repository.ts";
import { DomainError } from "../errors.ts";
import { type DomainToAscii, parseEmail } from "../identifier/email.ts";
import { parseUsername } from "../identifier/username.ts";
import type { User } from "./user.ts";

/** Identifies a user in a request: an id (UUID), or an identifier as a person entered it. */
export type UserReference = { readonly kind: "id" | "email" | "username"; readonly value: string };

/** @throws EMAIL_INVALID, USERNAME_INVALID */
export function parseReference({ kind, value }: UserReference, toAscii: DomainToAscii): UserKey {
  switch (kind) {
    case "id":
      return { kind, id: value.toLowerCase() };
    case "email":
      return { kind, key: parseEmail(value, "email", toAscii).key };
    case "username":
      return { kind, key: parseUsername(value, "username").key };
  }
}

/** The key, or the error that `parseReference` throws. */
export function tryParseReference(reference: UserReference, toAscii: DomainToAscii): UserKey | DomainError {
  try {
    return parseReference(reference, toAscii);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

/** A key as one string, for use as a map key. */
export function nameOf(key: UserKey): string {
  return key.kind === "id" ? `id:${key.id}` : `${key.kind}:${key.key}`;
}

/** All keys of a user. */
export function keysOf({ id, email, username }: Pick<User, "id" | "email" | "username">): UserKey[] {
  const keys: UserKey[] = [{ kind: "id", id }];
  if (email) keys.push({ kind: "email", key: email.key });
  if (username) keys.push({ kind: "username", key: username.key });
  return keys;
}

/** All keys of a user, each as one string. */
export function namesOf(user: Pick<User, "id" | "email" | "username">): string[] {
  return keysOf(user).map(nameOf);
}
