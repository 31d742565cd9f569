import { setTimeout as sleep } from "node:timers/promises";
import { verify } from "@node-rs/argon2";
import { Client } from "pg";
import type { DatabasePool } from "slonik";
import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { aCall } from "./calls.ts";
import { openMigratedPool } from "./migrated-pool.ts";
import { createTestDatabase, type TestDatabase } from "./postgres.ts";
import { rpcOn } from "./rpc.ts";
import { otherPassword, password } from "./services.ts";
import { type Disguise, WireProxy } from "./wire-proxy.ts";

/** The user that a lane begins with. */
export interface StoredUser {
  readonly id: string;
  readonly username: string;
  readonly state: "active" | "suspended" | "deleted";
  readonly passwordHash?: string;
}

/** What is in the database, seen past the proxy. */
export interface Stored {
  /** How many rows were committed since the lane was laid out: "insert users", "update credentials", … in order. */
  readonly changes: readonly string[];
  readonly requests: number;
  readonly users: readonly {
    readonly username: string;
    readonly displayName: string;
    readonly version: number;
    readonly state: string;
  }[];
  readonly password: "first" | "second" | "other" | "none";
}

/**
 * The whole stack in this process on a database of its own: RPC clients, the pool, the fault proxy; and a way around
 * the proxy, to see what was really committed.
 */
export class FaultLane implements AsyncDisposable {
  readonly proxy: WireProxy;
  readonly pool: DatabasePool;
  readonly rpc: ReturnType<typeof rpcOn>;
  readonly poolSize: number;
  readonly #database: TestDatabase;
  readonly #direct: Client;

  static async open(as: Disguise, poolSize: number): Promise<FaultLane> {
    const database = await createTestDatabase();
    const direct = new Client({ connectionString: database.uri });
    await direct.connect();
    // A crash of the server is not what this is about.
    const name = new URL(database.uri).pathname.slice(1);
    await direct.query(`alter database ${name} set synchronous_commit = off`);
    const proxy = await WireProxy.start(database.uri, { as });
    const pool = await openMigratedPool(proxy.uri, poolSize);
    await direct.query(countChanges);
    const lane = new FaultLane({ database, direct, proxy, pool, poolSize });
    await lane.rpc.services.keyRing.maintain(aCall());
    return lane;
  }

  private constructor(parts: {
    database: TestDatabase;
    direct: Client;
    proxy: WireProxy;
    pool: DatabasePool;
    poolSize: number;
  }) {
    this.#database = parts.database;
    this.#direct = parts.direct;
    this.proxy = parts.proxy;
    this.pool = parts.pool;
    this.poolSize = parts.poolSize;
    this.rpc = rpcOn(new CockroachRepository(parts.pool));
  }

  /** Takes everything away but this user, on a healthy line. */
  async layOut(user: StoredUser | undefined): Promise<void> {
    this.proxy.faults = () => undefined;
    await this.#direct.query(takeAll);
    if (user === undefined) return;
    const [suspended, deleted] = [user.state === "suspended", user.state === "deleted"];
    await this.#direct.query(insertUser, [user.id, user.username, suspended, deleted]);
    if (user.passwordHash !== undefined) {
      await this.#direct.query(insertCredential, [user.id, user.passwordHash]);
    }
  }

  async stored(): Promise<Stored> {
    const { rows } = await this.#direct.query(readAll);
    const { hash, ...stored } = rows[0].stored;
    return { ...stored, password: await whichPassword(hash) };
  }

  /**
   * Waits until nothing runs any more. Answers what is left over: a connection that is still taken, more connections
   * than the pool may have, a transaction that is still open.
   */
  async leftOver(): Promise<string[]> {
    const endsAt = performance.now() + 3_000;
    for (;;) {
      const left = [...this.#leftInPool(), ...(await this.#openTransactions())];
      if (left.length === 0 || performance.now() > endsAt) return left;
      await sleep(5);
    }
  }

  #leftInPool(): string[] {
    const { acquiredConnections, waitingClients } = this.pool.state();
    const { connections } = this.proxy;
    return [
      ...(acquiredConnections === 0 ? [] : [`${acquiredConnections} connections are taken`]),
      ...(waitingClients === 0 ? [] : [`${waitingClients} wait for a connection`]),
      ...(connections <= this.poolSize ? [] : [`${connections} connections to the server`]),
    ];
  }

  async #openTransactions(): Promise<string[]> {
    const { rows } = await this.#direct.query(openTransactions);
    return rows.map(({ query }) => `a transaction is open after: ${query}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.end();
    await this.proxy[Symbol.asyncDispose]();
    await this.#direct.end();
    await this.#database.drop();
  }
}

/** Lanes of one kind for tests that run side by side: each has one to itself while it runs. */
export class FaultLanes implements AsyncDisposable {
  readonly #open: () => Promise<FaultLane>;
  readonly #idle: FaultLane[] = [];

  constructor(as: Disguise, poolSize: number) {
    this.#open = () => FaultLane.open(as, poolSize);
  }

  /** A lane that a test has failed on is not used again. */
  async use(test: (lane: FaultLane) => Promise<void>): Promise<void> {
    const lane = this.#idle.pop() ?? (await this.#open());
    try {
      await test(lane);
      this.#idle.push(lane);
    } catch (error) {
      await lane[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.map((lane) => lane[Symbol.asyncDispose]()));
  }
}

/** Every row that is committed, but what tells of a password that was only looked at, leaves a row behind; what is rolled back takes it along. */
const countChanges = `
  create table changes (change text not null);
  create function note_change() returns trigger language plpgsql as
    $$ begin insert into changes values (lower(tg_op) || ' ' || tg_table_name); return null; end $$;
  create trigger note_change after insert or update or delete on users
    for each row execute function note_change();
  create trigger note_change after insert or update or delete on credentials
    for each row execute function note_change();
  create trigger note_change after insert or update or delete on requests
    for each row execute function note_change();
  create trigger note_change after insert on events
    for each row when (new.outcome = 'success' and new.type <> 'password.verified') execute function note_change();
  set session_replication_role = replica;
  set default_transaction_isolation = 'read committed';
`;

const takeAll =
  "delete from requests; delete from credentials; delete from users; delete from events; delete from changes";

const insertUser = `
  insert into users (
    id, username, username_key, display_name, attributes, suspend_reason, suspend_time, delete_time,
    create_time, update_time, version
  )
  values (
    $1, $2, $2, 'before', '{}', case when $3 then 'spam' end, case when $3 then now() end,
    case when $4 then now() end, now(), now(), 1
  )
`;

const insertCredential = `
  insert into credentials (user_id, password_hash, create_time, update_time)
  values ($1, $2, now(), now())
`;

const readAll = `
  select json_build_object(
    'changes', (select coalesce(json_agg(change order by change), '[]') from changes),
    'requests', (select count(*) from requests),
    'hash', (select password_hash from credentials),
    'users', (
      select coalesce(json_agg(json_build_object(
        'username', username,
        'displayName', display_name,
        'version', version,
        'state', case
          when delete_time is not null then 'deleted'
          when suspend_time is not null then 'suspended'
          else 'active'
        end
      )), '[]')
      from users
    )
  ) as stored
`;

const openTransactions = `
  select query
  from pg_stat_activity
  where datname = current_database()
    and backend_type = 'client backend'
    and pid <> pg_backend_pid()
    and xact_start is not null
`;

async function whichPassword(hash: string | null): Promise<Stored["password"]> {
  if (hash === null) return "none";
  if (await verify(hash, password)) return "first";
  return (await verify(hash, otherPassword)) ? "second" : "other";
}
