import type { CommonQueryMethods } from "slonik";

/** Runs one query: on a connection of the pool, or on the transaction that the repository belongs to. */
export type Run = <T>(query: (connection: CommonQueryMethods) => Promise<T>) => Promise<T>;
