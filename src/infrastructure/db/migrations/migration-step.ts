import { type QuerySqlToken, sql } from "slonik";
import { z } from "zod";

export type Dialect = "cockroachdb" | "postgresql";

/**
 * One idempotent statement of a migration. On CockroachDB a schema change is no part of a transaction, so each stands
 * alone, can be repeated after a crash at any point, and is checked where its effect comes later than its answer.
 */
export interface MigrationStep {
  /** Never changes, nor does the statement once it has been released. Steps are made in the order of the list. */
  readonly id: string;
  readonly statement: QuerySqlToken;
  /** Asked before the statement: what is in the database already and has to be resolved by people first. */
  readonly refusal?: Refusal;
  /** Answers one row with `done`: whether the statement's effect is there. Asked until it is. */
  readonly verify?: QuerySqlToken<typeof doneRow>;
  /** The only server that the step is for, where it is not for both. */
  readonly only?: Dialect;
}

/** Why a step cannot be made: refused if `count` is not zero. */
export interface Refusal {
  readonly count: QuerySqlToken<typeof countRow>;
  /** What is wrong, how to find it, and what to do. */
  message(count: number): string;
}

export const countRow = z.object({ count: z.int() });

export const doneRow = z.object({ done: z.boolean() });

/**
 * Whether an index is there and complete. On CockroachDB `create index if not exists` answers before a backfill that
 * another session began has ended (oxidecomputer/omicron#9888).
 */
export function indexIsValid(name: string): QuerySqlToken<typeof doneRow> {
  return sql.type(doneRow)`
    select count(*) > 0 as done
    from pg_catalog.pg_index
    join pg_catalog.pg_class on pg_class.oid = pg_index.indexrelid
    where pg_class.relname = ${name}
      and pg_index.indisvalid
  `;
}
