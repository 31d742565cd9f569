import { type QuerySqlToken, sql } from "slonik";
import { z } from "zod";

export type Dialect = "cockroachdb" | "postgresql";

/**
 * One idempotent statement of a migration. On CockroachDB a schema change cannot be part of a transaction, so each
 * step stands alone, can be repeated after a crash at any point, and is verified if it takes effect only after the
 * server has answered.
 */
export interface MigrationStep {
  /** Never changes, nor does the statement, once released. Steps are applied in the order of the list. */
  readonly id: string;
  readonly statement: QuerySqlToken;
  /** Checked before the statement: existing data that an operator must correct first. */
  readonly refusal?: Refusal;
  /** Returns one row with `done`: whether the statement has taken effect. Repeated until it has. */
  readonly verify?: QuerySqlToken<typeof doneRow>;
  /** The only server that the step is for; both if absent. */
  readonly only?: Dialect;
}

/** Why a step cannot be applied: it is refused if `count` is not zero. */
export interface Refusal {
  readonly count: QuerySqlToken<typeof countRow>;
  /** What is wrong, how to find the affected rows, and what to do. */
  message(count: number): string;
}

export const countRow = z.object({ count: z.int() });

export const doneRow = z.object({ done: z.boolean() });

/**
 * Whether an index exists and is complete. On CockroachDB `create index if not exists` returns before a backfill that
 * another session started has finished (oxidecomputer/omicron#9888).
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
