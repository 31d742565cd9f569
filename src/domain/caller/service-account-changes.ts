import type { ServiceAccountDraft } from "../../interfaces/relationaldb/service-account-repository.ts";
import type { ServiceAccount } from "./service-account.ts";

/** Whether an account already matches a draft. */
export function matchesDraft(account: ServiceAccount, draft: ServiceAccountDraft): boolean {
  return (
    (account.disableTime !== undefined) === draft.disabled && changedFieldsOf(account, draft).length === 0
  );
}

type Profile = Pick<ServiceAccountDraft, "displayName" | "roles">;

/** The names of the fields that differ, as in the API. */
export function changedFieldsOf(before: Profile, after: Profile): string[] {
  const sameRoles =
    before.roles.length === after.roles.length &&
    before.roles.every((role, index) => role === after.roles[index]);
  return [
    ...(before.displayName === after.displayName ? [] : ["display_name"]),
    ...(sameRoles ? [] : ["roles"]),
  ];
}
