import type { UserProfile } from "./user.ts";

/** The fields of a user that can change. */
interface Changeable extends UserProfile {
  readonly suspension: object | undefined;
  readonly deleteTime: Date | undefined;
}

/** Maps each changeable field, by its API name, to a value that is equal if and only if the field is unchanged. */
const fields: Readonly<Record<string, (user: Changeable) => unknown>> = {
  email: ({ email }) => email?.value,
  username: ({ username }) => username?.value,
  display_name: ({ displayName }) => displayName,
  attributes: ({ attributes }) => Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)),
  suspension: ({ suspension }) => suspension && { ...suspension },
  delete_time: ({ deleteTime }) => deleteTime,
};

const compared = Object.entries(fields);

/** The names of the fields that differ between two versions of a user, or that are set on a new user. */
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
