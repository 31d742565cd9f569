import { randomUUID } from "node:crypto";
import type { User, UserDraft, UserProfile } from "../../src/domain/user/user.ts";

/** A profile whose keys no other has. */
export function aProfile(changes: Partial<UserProfile> = {}): UserProfile {
  const name = `ada-${randomUUID()}`;
  return {
    email: { value: `${name.toUpperCase()}@example.com`, key: `${name}@example.com` },
    username: { value: name.toUpperCase(), key: name },
    displayName: "",
    attributes: {},
    ...changes,
  };
}

export function profileOf({ email, username, displayName, attributes }: User): UserProfile {
  return { email, username, displayName, attributes };
}

/** The draft that leaves a user as it is. */
export function draftOf(user: User): UserDraft {
  return { ...profileOf(user), suspension: user.suspension, deleteTime: user.deleteTime };
}
