import type { ServiceAccountReader } from "../../interfaces/relationaldb/service-account-repository.ts";
import type { Call } from "../call.ts";
import { DomainError, invalidField } from "../errors.ts";
import { Grants } from "./grants.ts";
import type { Policy } from "./policy.ts";
import type { ServiceAccount, ServiceAccountKey } from "./service-account.ts";

/** A service account, as far as its grants depend on it. */
type Holder = Pick<ServiceAccount, "caller" | "roles">;

/**
 * Prevents privilege escalation: a caller cannot gain permissions through a service account. Otherwise the right to
 * create accounts or keys would be the right to do everything.
 */
export class Privileges {
  readonly #policy: () => Policy;

  /** @param policy returns the current policy */
  constructor(policy: () => Policy) {
    this.#policy = policy;
  }

  /** @throws ROLE_UNKNOWN if the policy does not define a role */
  assertKnown(roles: readonly string[]): void {
    const unknown = this.#unknownRole(roles);
    if (unknown !== undefined)
      throw invalidField(
        "ROLE_UNKNOWN",
        "roles",
        `unknown role "${unknown}"; roles are defined in AUTH_POLICY_FILE`,
      );
  }

  /** @throws PERMISSION_DENIED if a new account with these roles would have more permissions than the caller */
  assertMayGive(call: Call, roles: readonly string[]): void {
    assertCovered(call, this.#policy().grantsOfRoles(roles));
  }

  /**
   * Refuses unknown roles, because the policy may define them again later, with any permissions.
   * @throws PERMISSION_DENIED if the account has more permissions than the caller; SERVICE_ACCOUNT_ROLE_UNKNOWN
   */
  assertMayAct(call: Call, account: Holder): void {
    const unknown = this.#unknownRole(account.roles);
    if (unknown !== undefined) {
      throw new DomainError(
        "SERVICE_ACCOUNT_ROLE_UNKNOWN",
        `the service account has the unknown role "${unknown}"; ` +
          "define it in AUTH_POLICY_FILE, or delete the account",
      );
    }
    assertCovered(call, this.#grantsOf(account));
  }

  /**
   * The keys that must not gain the permissions that a change gives their account. If the account gains any: the keys
   * that are not disabled and whose creator now has fewer permissions than the account will have.
   */
  async keysOfLessPrivilegedCreators(
    call: Call,
    serviceAccounts: ServiceAccountReader,
    account: ServiceAccount,
    roles: readonly string[],
  ): Promise<readonly ServiceAccountKey[]> {
    const after = this.#grantsOf({ caller: account.caller, roles });
    if (this.#grantsOf(account).firstLacking(after) === undefined) return [];
    const lesser: ServiceAccountKey[] = [];
    for (const key of await serviceAccounts.listKeys(account.id)) {
      // The caller has all of these permissions, or it could not make the change.
      if (key.disableTime !== undefined || key.creator === call.origin.caller) continue;
      const creators = await this.#grantsOfCreator(serviceAccounts, key.creator);
      if (creators.firstLacking(after) !== undefined) lesser.push(key);
    }
    return lesser;
  }

  async #grantsOfCreator(
    serviceAccounts: ServiceAccountReader,
    creator: string | undefined,
  ): Promise<Grants> {
    if (creator === undefined) return Grants.none;
    // The command line has access to the database and the wrapping key.
    if (creator.startsWith("cli:")) return Grants.everything;
    const [, id] = /^serviceAccounts\/(.+)$/.exec(creator) ?? [];
    if (id === undefined) return this.#policy().grantsOf(creator, []);
    const account = await serviceAccounts.find(id);
    return account === undefined || account.disableTime !== undefined ? Grants.none : this.#grantsOf(account);
  }

  #grantsOf({ caller, roles }: Holder): Grants {
    return this.#policy().grantsOf(caller, roles);
  }

  #unknownRole(roles: readonly string[]): string | undefined {
    const policy = this.#policy();
    return roles.find((role) => !policy.hasRole(role));
  }
}

function assertCovered(call: Call, grants: Grants): void {
  const lacking = call.grants.firstLacking(grants);
  if (lacking === undefined) return;
  const held = call.grants.has(lacking) ? "has only for fewer audiences or clients" : "does not have";
  throw new DomainError(
    "PERMISSION_DENIED",
    `${call.origin.caller} cannot grant "${lacking}", which it ${held}`,
  );
}
