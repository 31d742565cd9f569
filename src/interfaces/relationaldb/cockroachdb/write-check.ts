import { type CommonQueryMethods, sql } from "slonik";
import type { Deadline } from "../../../domain/call.ts";
import { DomainError } from "../../../domain/errors.ts";
import { postgresOnly } from "../../../infrastructure/db/postgres-only.ts";
import { leasesTable } from "../../../infrastructure/db/schema/leases-table.ts";
import { missingRights } from "../../../infrastructure/db/schema/table-rights.ts";
import { parseVersion } from "../../../infrastructure/db/server.ts";
import type { UnitOfWork } from "../../../infrastructure/db/unit-of-work.ts";
import { readOnly } from "./errors.ts";

/** How long one write proves to all processes that writes work, in milliseconds. */
const provesForMs = 1_000;
/** Processes renew the proof at random moments in the second half of that time, to avoid collisions. */
const overlapMs = 500;

/**
 * Checks that the database accepts writes: transactions may write, and within the last second this process or another
 * one with the same role has verified the role's privileges on every table and committed a write. Any number of
 * processes thus update one row about once a second; all others only read it.
 */
export class WriteCheck {
  readonly #unitOfWork: UnitOfWork;
  readonly #holder: string;
  readonly #random: () => number;

  constructor(unitOfWork: UnitOfWork, holder: string, random: () => number = Math.random) {
    this.#unitOfWork = unitOfWork;
    this.#holder = holder;
    this.#random = random;
  }

  /** @throws DATABASE_READ_ONLY, DATABASE_UNAVAILABLE if privileges are missing, and any error of the statements */
  async run(call: Deadline): Promise<void> {
    const marginMs = Math.round(overlapMs * this.#random());
    const state = await this.#unitOfWork.read(call, (connection) => readState(connection, marginMs));
    if (state.readOnly === "on") throw readOnly();
    if (state.proven) return;
    const isPostgres = parseVersion(state.version)?.dialect === "postgresql";
    const proof = await this.#unitOfWork.statement(call, (connection) =>
      prove(connection, this.#holder, isPostgres),
    );
    if (proof.lacksRights) {
      const message =
        "the database role lacks privileges on tables of this service; run `auth doctor` for the GRANT statements";
      throw new DomainError("DATABASE_UNAVAILABLE", message, { retryAfterMs: provesForMs });
    }
  }
}

function readState(connection: CommonQueryMethods, marginMs: number) {
  return connection.one(sql.type(leasesTable.stateRow)`
    select
      version() as version,
      current_setting('transaction_read_only') as read_only,
      exists (
        select 1
        from leases
        where name = 'write-check'
          and expire_time > now() + ${marginMs}::int8 * interval '1 millisecond'
      )::bool as proven
  `);
}

/** Updates the row if the role has all privileges, unless another process has just done so. */
function prove(connection: CommonQueryMethods, holder: string, isPostgres: boolean) {
  return connection.one(sql.type(leasesTable.proofRow)`
    with lacking as (
      select count(*)::int8 as number
      from (${missingRights}) as rights
    ),
    proof as (
      insert into leases (name, holder, expire_time)
      select 'write-check', ${holder}::text, now() + ${provesForMs}::int8 * interval '1 millisecond'
      from lacking ${isPostgres ? forceDiskSpill : sql.fragment``}
      where lacking.number = 0
      on conflict (name) do update
      set holder = excluded.holder, expire_time = excluded.expire_time
      where leases.expire_time < now() + ${overlapMs}::int8 * interval '1 millisecond'
      returning name
    )
    select (number > 0)::bool as lacks_rights
    from lacking
  `);
}

/**
 * Detects a full disk. On PostgreSQL, an insert may need disk space that an update of a row does not. This set of rows
 * exceeds the minimum `work_mem` (64 KiB), so it spills to a temporary file.
 */
const forceDiskSpill = sql.fragment`
  cross join (select set_config('work_mem', '64kB', true) as work_mem) as small
  cross join lateral (
    select count(*) as number
    from generate_series(1, 4000 + 0 * length(small.work_mem))
  ) as spilled ${postgresOnly}`;
