import { sql } from "slonik";
import { User } from "../../../domain/user/user.ts";
import { requestsTable } from "../../../infrastructure/db/schema/requests-table.ts";
import type { ConcludedRequest, MutationRequest, RequestRepository } from "../request-repository.ts";
import type { Run } from "./run.ts";

/** Mutations by request id in SQL. */
export class CockroachRequests implements RequestRepository {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async find(id: string): Promise<ConcludedRequest | undefined> {
    const row = await this.#run((connection) =>
      connection.maybeOne(sql.type(requestsTable.row)`
        select ${requestsTable.columns}
        from requests
        where id = ${id}
      `),
    );
    if (row === null) return undefined;
    const { fingerprint, secretHash, result } = row;
    return { id, fingerprint, secretHash, result: result && User.fromRow(result) };
  }

  async claim({ id, fingerprint, secretHash }: MutationRequest): Promise<ConcludedRequest | undefined> {
    const claimed = await this.#run((connection) =>
      connection.maybeOne(sql.type(requestsTable.idRow)`
        insert into requests (id, fingerprint, secret_hash, create_time)
        values (${id}, ${fingerprint}, ${secretHash ?? null}, now())
        on conflict (id) do nothing
        returning id
      `),
    );
    return claimed === null ? this.find(id) : undefined;
  }

  async conclude(id: string, result: User | undefined): Promise<void> {
    if (result === undefined) return;
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        update requests
        set result = ${JSON.stringify(result.toRow())}::jsonb
        where id = ${id}
      `),
    );
  }

  async sweep(age: number, limit: number): Promise<number> {
    const old = await this.#run((connection) =>
      connection.any(sql.type(requestsTable.idRow)`
        select id
        from requests
        where create_time < now() - ${age}::int8 * interval '1 millisecond'
        order by create_time
        limit ${limit}
      `),
    );
    // A separate statement: with the limit in a subquery, PostgreSQL reads, and so locks, the whole table.
    const swept = await this.#run((connection) =>
      connection.any(sql.type(requestsTable.idRow)`
        delete from requests
        where id = any(${sql.array(
          old.map(({ id }) => id),
          "uuid",
        )})
        returning id
      `),
    );
    return swept.length;
  }
}
