import { builtInRoles, isPermission } from "./permission.ts";
import { parseSpiffeId } from "./spiffe-id.ts";

/** What a caller may do: permissions, and methods that it was given one by one ("auth.v1.UserService/GetUser"). */
export type Grants = ReadonlySet<string>;

/** Every fault of a policy, one a line. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}

interface Rule {
  /** What the caller is called, or how its name begins. */
  readonly name: string;
  readonly isPrefix: boolean;
  readonly roles: readonly string[];
}

const roleName = /^[a-z][a-z0-9-]{0,62}$/;
const accountName = /^serviceAccounts\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const none: Grants = new Set();

/**
 * Which caller may do what: roles bundle permissions, rules give callers roles. Who is named by no rule may do nothing.
 *
 *     {
 *       "roles": { "support": ["users.get", "auth.v1.SessionService/ListSessions"] },
 *       "callers": [{ "caller": "spiffe://example.org/ns/shop/*", "roles": ["authenticator", "support"] }]
 *     }
 */
export class Policy {
  readonly #roles: ReadonlyMap<string, Grants>;
  readonly #rules: readonly Rule[];
  /** Of callers that were asked about: a policy does not change, and callers are few. */
  readonly #known = new Map<string, Grants>();

  private constructor(roles: ReadonlyMap<string, Grants>, rules: readonly Rule[]) {
    this.#roles = roles;
    this.#rules = rules;
  }

  /** The policy without a file: the built-in roles, which service accounts can have. */
  static readonly builtIn = new Policy(builtIn(), []);

  /**
   * Reads a policy document as it was parsed from JSON.
   * @param methods full names of all methods
   * @throws PolicyError with all faults: a name that is not known is refused, because a policy must not mean less than it says
   */
  static parse(document: unknown, methods: ReadonlySet<string>): Policy {
    const faults: string[] = [];
    const { roles, callers } = sections(document, faults);
    const known = new Map([...builtIn(), ...parseRoles(roles, methods, faults)]);
    const rules = parseRules(callers, known, faults);
    if (faults.length > 0) throw new PolicyError(faults);
    return new Policy(known, rules);
  }

  hasRole(role: string): boolean {
    return this.#roles.has(role);
  }

  /** What roles permit, together. A role that is not known any longer permits nothing. */
  grantsOfRoles(roles: readonly string[]): Grants {
    return new Set(roles.flatMap((role) => [...(this.#roles.get(role) ?? none)]));
  }

  /** What a caller may do by the rules that name it, and by the roles that it has of its own. */
  grantsOf(caller: string, ownRoles: readonly string[]): Grants {
    const key = JSON.stringify([caller, ownRoles]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const named = this.#rules.filter((rule) =>
      rule.isPrefix ? caller.startsWith(rule.name) && caller.length > rule.name.length : caller === rule.name,
    );
    const grants = this.grantsOfRoles([...ownRoles, ...named.flatMap(({ roles }) => roles)]);
    if (this.#known.size >= 10_000) this.#known.clear();
    this.#known.set(key, grants);
    return grants;
  }
}

function builtIn(): Map<string, Grants> {
  return new Map(Object.entries(builtInRoles).map(([role, grants]) => [role, new Set<string>(grants)]));
}

function sections(document: unknown, faults: string[]): { roles: object; callers: readonly unknown[] } {
  const { roles = {}, callers, ...others } = asObject(document) ?? {};
  for (const name of Object.keys(others))
    faults.push(`"${name}" is no section: there are "roles" and "callers"`);
  if (asObject(roles) === undefined) faults.push(`"roles" must be an object`);
  if (!Array.isArray(callers) || callers.length === 0) {
    faults.push(
      `"callers" must be a list that names at least one caller: by an empty policy nobody may do anything`,
    );
  }
  return { roles: asObject(roles) ?? {}, callers: Array.isArray(callers) ? callers : [] };
}

function parseRoles(roles: object, methods: ReadonlySet<string>, faults: string[]): [string, Grants][] {
  return Object.entries(roles).map(([role, grants]: [string, unknown]) => {
    const fault = (text: string) => faults.push(`role "${role}": ${text}`);
    if (!roleName.test(role))
      fault("a name has lower-case letters, digits and hyphens, a letter first, at most 63");
    if (Object.hasOwn(builtInRoles, role)) fault("this role is built in, and cannot mean something else");
    if (!isListOfText(grants) || grants.length === 0) {
      fault("must be a list of permissions or methods");
      return [role, none];
    }
    for (const grant of grants) {
      if (isPermission(grant) || methods.has(grant)) continue;
      fault(`"${grant}" is no ${grant.includes("/") ? "method" : "permission"}`);
    }
    return [role, new Set(grants)];
  });
}

function parseRules(
  callers: readonly unknown[],
  known: ReadonlyMap<string, Grants>,
  faults: string[],
): Rule[] {
  return callers.flatMap((rule, index) => {
    const { caller, roles, ...others } = asObject(rule) ?? {};
    const name = typeof caller === "string" ? caller : "";
    const fault = (text: string) => faults.push(`callers[${index}]${name && ` ("${name}")`}: ${text}`);
    for (const other of Object.keys(others)) fault(`"${other}" is no part of a rule`);
    const isPrefix = name.endsWith("/*");
    if (!isCallerName(isPrefix ? `${name.slice(0, -1)}x` : name)) {
      fault(`"caller" must be a SPIFFE ID, one that ends in "/*", or "serviceAccounts/" and an id`);
    }
    if (!isListOfText(roles) || roles.length === 0) {
      fault(`"roles" must be a list of roles`);
      return [];
    }
    for (const role of roles.filter((role) => !known.has(role))) fault(`there is no role "${role}"`);
    return [{ name: isPrefix ? name.slice(0, -1) : name, isPrefix, roles }];
  });
}

function isCallerName(name: string): boolean {
  return parseSpiffeId(name) !== undefined || accountName.test(name);
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function isListOfText(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
