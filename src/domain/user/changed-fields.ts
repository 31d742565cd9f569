import type { UserProfile } from "./user.ts";

/** All of a user that can change. */
interface Changeable extends UserProfile {
  readonly suspension: object | undefined;
  readonly deleteTime: Date | undefined;
}

/** The fields of a user that can change, by their names in the API, and what two users have in common where they are equal. */
const fields: Readonly<Record<string, (user: Changeable) => unknown>> = {
  email: ({ email }) => email?.value,
  username: ({ username }) => username?.value,
  display_name: ({ displayName }) => displayName,
  attributes: ({ attributes }) => Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)),
  suspension: ({ suspension }) => suspension && { ...suspension },
  delete_time: ({ deleteTime }) => deleteTime,
};

const empty = new Set([undefined, '""', "[]"]);

/** The names of the fields in which a user is another than before, or that a new user has. */
export function changedFieldsOf(before: Changeable | undefined, after: Changeable): string[] {
  return Object.entries(fields)
    .filter(([, of]) => {
      const is = JSON.stringify(of(after));
      return before === undefined ? !empty.has(is) : is !== JSON.stringify(of(before));
    })
    .map(([name]) => name);
}
