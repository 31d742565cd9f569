import { Grants, intersection, type Limit } from "./grants.ts";
import { builtIn, type KnownNames, type Role, type Rule, readDocument } from "./policy-document.ts";

/** All faults of a policy, one per line. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}

/**
 * Which caller may do what. Roles bundle permissions; rules assign roles to callers. A caller that no rule names may do
 * nothing. A role and a rule can each be limited to audiences and clients; several grants of one permission add up.
 *
 *     {
 *       "roles": {
 *         "support": ["users.get", "auth.v1.SessionService/ListSessions"],
 *         "shop-login": {
 *           "permissions": ["sessions.begin", "sessions.refresh"], "audiences": ["shop"], "clients": ["shop-web"]
 *         }
 *       },
 *       "callers": [
 *         { "caller": "spiffe://example.org/ns/shop/sa/web", "roles": ["shop-login", "support"] },
 *         { "caller": "spiffe://example.org/ns/shop/sa/api", "roles": ["verifier"], "audiences": ["shop"] }
 *       ]
 *     }
 */
export class Policy {
  readonly #roles: ReadonlyMap<string, Role>;
  readonly #rules: readonly Rule[];
  /** Cached grants by caller. They never go stale, because a policy does not change. Callers are few. */
  readonly #known = new Map<string, Grants>();

  private constructor(roles: ReadonlyMap<string, Role>, rules: readonly Rule[]) {
    this.#roles = roles;
    this.#rules = rules;
  }

  /** The policy without a file: only the built-in roles, which service accounts can have. */
  static readonly builtIn = new Policy(builtIn(), []);

  /**
   * Reads a policy document parsed from JSON.
   * @throws PolicyError with all faults. Unknown names are refused: a policy must not grant less than it states.
   */
  static parse(document: unknown, names: KnownNames): Policy {
    const faults: string[] = [];
    const { roles, rules } = readDocument(document, names, (fault) => faults.push(fault));
    if (faults.length > 0) throw new PolicyError(faults);
    return new Policy(roles, rules);
  }

  hasRole(role: string): boolean {
    return this.#roles.has(role);
  }

  /** What roles permit together. A role that no longer exists permits nothing. */
  grantsOfRoles(roles: readonly string[]): Grants {
    return Grants.of(this.#parts(roles, {}));
  }

  /** What a caller may do by the rules that match it and by its own roles. */
  grantsOf(caller: string, ownRoles: readonly string[]): Grants {
    const key = JSON.stringify([caller, ownRoles]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const named = this.#rules.filter((rule) =>
      rule.isPrefix ? caller.startsWith(rule.name) && caller.length > rule.name.length : caller === rule.name,
    );
    const grants = Grants.of([
      ...this.#parts(ownRoles, {}),
      ...named.flatMap(({ roles, limit }) => this.#parts(roles, limit)),
    ]);
    if (this.#known.size >= 10_000) this.#known.clear();
    this.#known.set(key, grants);
    return grants;
  }

  #parts(roles: readonly string[], limit: Limit) {
    return roles.flatMap((name) => {
      const role = this.#roles.get(name);
      return role === undefined ? [] : [{ grants: role.grants, limit: intersection(role.limit, limit) }];
    });
  }
}
