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

const compared = Object.entries(fields);

/** The names of the fields in which a user is another than before, or that a new user has. */
export function changedFieldsOf(before: Changeable | undefined, after: Changeable): string[] {
  return compared
    .filter(([, of]) =>
      before === undefined ? !isEmpty(of(after)) : JSON.stringify(of(after)) !== JSON.stringify(of(before)),
    )
    .map(([name]) => name);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}
