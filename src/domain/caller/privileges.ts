import type { ServiceAccountReader } from "../../interfaces/relationaldb/service-account-repository.ts";
import type { Call } from "../call.ts";
import { DomainError, invalidField } from "../errors.ts";
import { Grants } from "./grants.ts";
import type { Policy } from "./policy.ts";
import type { ServiceAccount, ServiceAccountKey } from "./service-account.ts";

/** An account by what it may do. */
type Holder = Pick<ServiceAccount, "caller" | "roles">;

/**
 * No caller gets more permissions by way of a service account than it has: otherwise the right to create accounts or keys
 * would be the right to everything.
 */
export class Privileges {
  readonly #policy: () => Policy;

  /** @param policy the policy as it is now */
  constructor(policy: () => Policy) {
    this.#policy = policy;
  }

  /** @throws ROLE_UNKNOWN */
  assertKnown(roles: readonly string[]): void {
    const unknown = this.#unknownRole(roles);
    if (unknown !== undefined)
      throw invalidField(
        "ROLE_UNKNOWN",
        "roles",
        `unknown role "${unknown}"; roles are defined in AUTH_POLICY_FILE`,
      );
  }

  /** @throws PERMISSION_DENIED if an account that does not exist yet would have more than the caller */
  assertMayGive(call: Call, roles: readonly string[]): void {
    assertCovered(call, this.#policy().grantsOfRoles(roles));
  }

  /**
   * A role that the policy does not define now may be defined again, with any permissions.
   * @throws PERMISSION_DENIED if the account has more than the caller; SERVICE_ACCOUNT_ROLE_UNKNOWN
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
   * Which keys of an account must not get what a change gives it: if it gains a permission, those that are not disabled and
   * were created by a caller that has less now than the account is to have.
   */
  async lesserKeys(
    call: Call,
    serviceAccounts: ServiceAccountReader,
    account: ServiceAccount,
    roles: readonly string[],
  ): Promise<readonly ServiceAccountKey[]> {
    const after = this.#grantsOf({ caller: account.caller, roles });
    if (this.#grantsOf(account).firstLacking(after) === undefined) return [];
    const lesser: ServiceAccountKey[] = [];
    for (const key of await serviceAccounts.listKeys(account.id)) {
      // The caller itself has all of it, or it could not make the change.
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
    // The command line has the database and the wrapping key.
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
