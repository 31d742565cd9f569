import { sql } from "slonik";
import { User } from "../../../domain/user/user.ts";
import { credentialsTable } from "../../../infrastructure/db/schema/credentials-table.ts";
import { usersTable } from "../../../infrastructure/db/schema/users-table.ts";
import type { CredentialRepository, UserIdWithHash, UserWithPassword } from "../credential-repository.ts";
import type { UserKey } from "../user-repository.ts";
import { isNamedBy } from "./cockroach-users.ts";
import type { Run } from "./run.ts";

/** Credentials in SQL. */
export class CockroachCredentials implements CredentialRepository {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async find(key: UserKey): Promise<UserWithPassword | undefined> {
    const row = await this.#run((connection) =>
      connection.maybeOne(sql.type(credentialsTable.rowWithUser)`
        select
          ${usersTable.columns},
          ${credentialsTable.columns}
        from users
        left join credentials on credentials.user_id = users.id
        where ${isNamedBy(key)}
      `),
    );
    return row === null ? undefined : { user: User.fromRow(row), passwordHash: row.passwordHash };
  }

  async findHashes(userIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#run((connection) =>
      connection.any(sql.type(credentialsTable.hashRow)`
        select
          credentials.user_id,
          ${credentialsTable.columns}
        from credentials
        where user_id = any(${sql.array([...userIds], "uuid")})
      `),
    );
    return new Map(rows.map(({ userId, passwordHash }) => [userId, passwordHash]));
  }

  async put(userId: string, passwordHash: string): Promise<void> {
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        insert into credentials (user_id, password_hash, create_time, update_time)
        values (${userId}, ${passwordHash}, now(), now())
        on conflict (user_id) do update
        set password_hash = excluded.password_hash, update_time = excluded.update_time
      `),
    );
  }

  async putMany(hashes: readonly UserIdWithHash[]): Promise<void> {
    if (hashes.length === 0) return;
    const rows = hashes.map(({ userId, passwordHash }) => [userId, passwordHash]);
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        insert into credentials (user_id, password_hash, create_time, update_time)
        select given.user_id, given.password_hash, now(), now()
        from ${sql.unnest(rows, ["uuid", "text"])} as given (user_id, password_hash)
      `),
    );
  }

  async replace(userId: string, current: string, passwordHash: string): Promise<boolean> {
    const replaced = await this.#run((connection) =>
      connection.maybeOne(sql.type(credentialsTable.replacedRow)`
        update credentials
        set password_hash = ${passwordHash}, update_time = now()
        where user_id = ${userId}
          and password_hash = ${current}
        returning user_id
      `),
    );
    return replaced !== null;
  }
}
