import { intersection, type Limit } from "./grants.ts";
import { builtInRoles, isPermission } from "./permission.ts";
import { parseSpiffeId } from "./spiffe-id.ts";

/** The grants of a role. */
export interface Role {
  readonly grants: ReadonlySet<string>;
  readonly limit: Limit;
}

/** The roles of callers whose names match. */
export interface Rule {
  /** The name of the caller, or a prefix of it. */
  readonly name: string;
  readonly isPrefix: boolean;
  readonly roles: readonly string[];
  readonly limit: Limit;
}

/** The names that a policy may use. */
export interface KnownNames {
  /** Full names of all methods. */
  readonly methods: ReadonlySet<string>;
  /** Audiences of access tokens; undefined to allow any. */
  readonly audiences?: ReadonlySet<string> | undefined;
}

/** Reports a fault of the document. */
type Report = (fault: string) => void;

const unlimited: Limit = {};
const roleName = /^[a-z][a-z0-9-]{0,62}$/;
const accountName = /^serviceAccounts\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** The same as for `Client.id` (session.proto). */
const clientId = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;

/** The roles that exist without a policy. */
export function builtIn(): Map<string, Role> {
  return new Map(
    Object.entries(builtInRoles).map(([role, grants]) => [
      role,
      { grants: new Set<string>(grants), limit: unlimited },
    ]),
  );
}

/** Reads a policy document parsed from JSON, and reports every fault. Use the result only if there are none. */
export function readDocument(document: unknown, names: KnownNames, report: Report) {
  const { roles, callers } = sections(document, report);
  const known = new Map([...builtIn(), ...readRoles(roles, names, report)]);
  return { roles: known, rules: readRules(callers, known, names, report) };
}

function sections(document: unknown, report: Report): { roles: object; callers: readonly unknown[] } {
  const { roles = {}, callers, ...others } = asObject(document) ?? {};
  for (const name of Object.keys(others))
    report(`unknown section "${name}": the sections are "roles" and "callers"`);
  if (asObject(roles) === undefined) report(`"roles" must be an object`);
  if (!Array.isArray(callers) || callers.length === 0) {
    report(`"callers" must list at least one caller: an empty policy grants nothing`);
  }
  return { roles: asObject(roles) ?? {}, callers: Array.isArray(callers) ? callers : [] };
}

function readRoles(roles: object, names: KnownNames, report: Report): [string, Role][] {
  return Object.entries(roles).map(([role, content]: [string, unknown]) => {
    const fault = (text: string) => report(`role "${role}": ${text}`);
    if (!roleName.test(role))
      fault("invalid name: use at most 63 lower-case letters, digits and hyphens, starting with a letter");
    if (Object.hasOwn(builtInRoles, role)) fault("this role is built in and cannot be redefined");
    const { permissions, audiences, clients, ...others } = asObject(content) ?? { permissions: content };
    for (const other of Object.keys(others)) {
      fault(`unknown key "${other}": a role has "permissions", "audiences" and "clients"`);
    }
    const limit = readLimit({ audiences, clients }, names, fault);
    if (!isListOfText(permissions) || permissions.length === 0) {
      fault('must be a list of permissions or methods, or an object with such a list as "permissions"');
      return [role, { grants: new Set(), limit }];
    }
    for (const grant of permissions) {
      if (isPermission(grant) || names.methods.has(grant)) continue;
      fault(`unknown ${grant.includes("/") ? "method" : "permission"} "${grant}"`);
    }
    return [role, { grants: new Set(permissions), limit }];
  });
}

function readRules(
  callers: readonly unknown[],
  known: ReadonlyMap<string, Role>,
  names: KnownNames,
  report: Report,
): Rule[] {
  return callers.flatMap((rule, index) => {
    const { caller, roles, audiences, clients, ...others } = asObject(rule) ?? {};
    const name = typeof caller === "string" ? caller : "";
    const fault = (text: string) => report(`callers[${index}]${name && ` ("${name}")`}: ${text}`);
    for (const other of Object.keys(others))
      fault(`unknown key "${other}": a rule has "caller", "roles", "audiences" and "clients"`);
    const isPrefix = name.endsWith("/*");
    if (!isCallerName(isPrefix ? `${name.slice(0, -1)}x` : name)) {
      fault(
        `"caller" must be a SPIFFE ID, a SPIFFE ID prefix that ends in "/*", or "serviceAccounts/" followed by an id`,
      );
    }
    const limit = readLimit({ audiences, clients }, names, fault);
    if (!isListOfText(roles) || roles.length === 0) {
      fault(`"roles" must be a list of roles`);
      return [];
    }
    for (const role of roles) {
      const { limit: roleLimit } = known.get(role) ?? {};
      if (roleLimit === undefined) fault(`unknown role "${role}"`);
      else if (isEmpty(intersection(limit, roleLimit))) {
        fault(`role "${role}" and this rule have no audience or client in common`);
      }
    }
    return [{ name: isPrefix ? name.slice(0, -1) : name, isPrefix, roles, limit }];
  });
}

function readLimit(
  { audiences, clients }: { readonly audiences: unknown; readonly clients: unknown },
  names: KnownNames,
  fault: Report,
): Limit {
  const items = (name: string, list: unknown, isItem: (item: string) => boolean, what: string) => {
    if (list === undefined) return undefined;
    if (!isListOfText(list) || list.length === 0) {
      fault(`"${name}" must list at least one ${what}; omit it to grant all`);
      return new Set<string>();
    }
    for (const item of list.filter((item) => !isItem(item))) fault(`"${item}" is not ${what}`);
    return new Set(list);
  };
  const isAudience = (item: string) => names.audiences?.has(item) ?? true;
  return {
    audiences: items("audiences", audiences, isAudience, "an audience of AUTH_AUDIENCES"),
    clients: items("clients", clients, (item) => clientId.test(item), "a client_id"),
  };
}

function isEmpty({ audiences, clients }: Limit): boolean {
  return audiences?.size === 0 || clients?.size === 0;
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
