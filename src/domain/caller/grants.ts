import type { Call } from "../call.ts";
import { DomainError } from "../errors.ts";

/** The limit of a grant. An absent set does not limit. */
export interface Limit {
  /** Audiences of access tokens (`aud`). */
  readonly audiences?: ReadonlySet<string> | undefined;
  /** Applications that people sign in with (`client_id`). */
  readonly clients?: ReadonlySet<string> | undefined;
}

/** The sessions and tokens that a grant covers: those that at least one of its limits allows. */
export class Scope {
  static readonly everywhere = new Scope([{}]);
  static readonly nowhere = new Scope([]);
  readonly #limits: readonly Limit[];

  private constructor(limits: readonly Limit[]) {
    this.#limits = limits;
  }

  static of(limits: readonly Limit[]): Scope {
    return limits.some(isUnlimited) ? Scope.everywhere : new Scope(limits);
  }

  /** Whether it excludes any session or token. */
  get isLimited(): boolean {
    return this !== Scope.everywhere;
  }

  /** Undefined stands for an audience or a client that no limit lists. */
  allows(audience: string | undefined, clientId: string | undefined): boolean {
    if (this === Scope.everywhere) return true;
    return this.#limits.some(
      ({ audiences, clients }) => isIn(audience, audiences) && isIn(clientId, clients),
    );
  }

  /** Whether it allows everything that another scope allows. */
  covers(other: Scope): boolean {
    if (this === Scope.everywhere) return true;
    return other.#limits.every(({ audiences = [undefined], clients = [undefined] }) =>
      [...audiences].every((audience) => [...clients].every((client) => this.allows(audience, client))),
    );
  }

  or(other: Scope): Scope {
    return Scope.of([...this.#limits, ...other.#limits]);
  }
}

/** What two limits allow together. */
export function intersection(one: Limit, other: Limit): Limit {
  return {
    audiences: common(one.audiences, other.audiences),
    clients: common(one.clients, other.clients),
  };
}

/** What a caller may do: permissions and single methods ("auth.v1.UserService/GetUser"), each with its scope. */
export class Grants implements Iterable<string> {
  static readonly none = new Grants(new Map());
  /** For development and for the command line. */
  static readonly everything = new Grants(undefined);
  /** Undefined means everything. */
  readonly #scopes: ReadonlyMap<string, Scope> | undefined;

  private constructor(scopes: ReadonlyMap<string, Scope> | undefined) {
    this.#scopes = scopes;
  }

  static of(parts: readonly { readonly grants: Iterable<string>; readonly limit: Limit }[]): Grants {
    const scopes = new Map<string, Scope>();
    for (const { grants, limit } of parts) {
      const scope = Scope.of([limit]);
      for (const grant of grants) scopes.set(grant, scopes.get(grant)?.or(scope) ?? scope);
    }
    return new Grants(scopes);
  }

  get size(): number {
    return this.#scopes?.size ?? Number.POSITIVE_INFINITY;
  }

  has(grant: string): boolean {
    return this.#scopes === undefined || this.#scopes.has(grant);
  }

  /** The combined scope of two grants; undefined if the caller has neither. */
  scopeOf(permission: string, method: string): Scope | undefined {
    if (this.#scopes === undefined) return Scope.everywhere;
    const one = this.#scopes.get(permission);
    const other = this.#scopes.get(method);
    if (one === undefined || other === undefined) return one ?? other;
    return one.or(other);
  }

  /**
   * The first grant of another caller that this one does not cover, scope included; undefined if it covers all of them.
   */
  firstLacking(other: Grants): string | undefined {
    const scopes = this.#scopes;
    if (scopes === undefined) return undefined;
    for (const [grant, scope] of other.#scopes ?? []) {
      if (scopes.get(grant)?.covers(scope) !== true) return grant;
    }
    return undefined;
  }

  /** The names of the grants. Empty for `everything`, which has no list. */
  [Symbol.iterator](): Iterator<string> {
    return (this.#scopes ?? new Map<string, Scope>()).keys();
  }
}

/**
 * Refuses a call about sessions or tokens that the caller's grant of the method does not cover.
 * @throws OUT_OF_SCOPE
 */
export function assertInScope({ scope, origin }: Call, audience: string, clientId: string): void {
  if (scope.allows(audience, clientId)) return;
  throw new DomainError(
    "OUT_OF_SCOPE",
    `the policy does not allow ${origin.caller} tokens for audience "${audience}" and client "${clientId}"`,
  );
}

function isUnlimited({ audiences, clients }: Limit): boolean {
  return audiences === undefined && clients === undefined;
}

function isIn(item: string | undefined, items: ReadonlySet<string> | undefined): boolean {
  return items === undefined || (item !== undefined && items.has(item));
}

function common(
  one: ReadonlySet<string> | undefined,
  other: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  return one === undefined || other === undefined ? (one ?? other) : one.intersection(other);
}
