/** What a PostgreSQL server would say of itself: severity defaults to ERROR. */
export interface InjectedError {
  readonly code: string;
  readonly message: string;
  readonly severity?: "ERROR" | "FATAL" | "PANIC";
  /** The constraint that was violated. CockroachDB names nothing else. */
  readonly constraint?: string;
}

/**
 * What happens to a statement. `before`: the server never sees it. `after`: the server has done it, but the client is
 * not told so.
 */
export interface Fault {
  readonly when: "before" | "after";
  /** A function is called at that moment, and then the line is cut: for a test that kills who is at its end. */
  readonly what: "cut" | (() => void) | InjectedError | { readonly delayMs: number };
}

/** Asked for every statement that a client sends; undefined lets it pass. */
export type Faults = (statement: string) => Fault | undefined;
