import type { CommonQueryMethods } from "slonik";

/** Runs a query on a connection of the pool, or in the transaction that the repository belongs to. */
export type Run = <T>(query: (connection: CommonQueryMethods) => Promise<T>) => Promise<T>;
