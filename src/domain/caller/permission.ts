/** The permissions. Every method of the API requires one of them (proto/auth/v1/permission.proto). */
export const permissions = [
  "users.create",
  "users.get",
  "users.list",
  "users.update",
  "users.delete",
  "users.undelete",
  "users.suspend",
  "users.unsuspend",
  "users.import",
  "users.export",
  "users.exportHashes",
  "passwords.verify",
  "passwords.validate",
  "passwords.set",
  "passwords.change",
  "sessions.begin",
  "sessions.get",
  "sessions.list",
  "sessions.refresh",
  "sessions.revoke",
  "tokens.introspect",
  "keys.get",
  "keys.revoke",
  "serviceAccounts.create",
  "serviceAccounts.get",
  "serviceAccounts.update",
  "serviceAccounts.disable",
  "serviceAccounts.enable",
  "serviceAccounts.delete",
  "serviceAccountKeys.create",
  "serviceAccountKeys.list",
  "serviceAccountKeys.disable",
  "serviceAccountKeys.delete",
  "events.list",
  "events.watch",
  "reflection.use",
  "users.unlock",
  "sessions.refreshAny",
] as const;

export type Permission = (typeof permissions)[number];

export function isPermission(text: string): text is Permission {
  return (permissions as readonly string[]).includes(text);
}

/**
 * Permissions that no built-in role has, so that only a role of the policy can grant them. Exported password hashes can
 * be attacked offline for years without anyone noticing.
 */
const neverBuiltIn: ReadonlySet<Permission> = new Set(["users.exportHashes"]);

/** The roles that exist without a policy. `admin` has every permission except those of `neverBuiltIn`. */
export const builtInRoles: Readonly<Record<string, readonly Permission[]>> = {
  /** A service that signs people in. */
  authenticator: [
    "passwords.verify",
    "passwords.validate",
    "passwords.change",
    "sessions.begin",
    "sessions.refresh",
    "sessions.revoke",
    "keys.get",
  ],
  /** A service that accepts access tokens. */
  verifier: ["tokens.introspect", "keys.get"],
  /** A service that creates users. */
  registrar: ["users.create", "users.get", "passwords.validate"],
  /** A service that looks users up. */
  reader: ["users.get", "users.list", "sessions.get", "sessions.list"],
  /** A service that stores or searches audit events. */
  auditor: ["events.list", "events.watch"],
  admin: permissions.filter((permission) => !neverBuiltIn.has(permission)),
};
