import { type DatabasePool, sql } from "slonik";
import { z } from "zod";
import { patienceMs } from "../../src/infrastructure/db/budget.ts";
import { connectToCockroach } from "../../src/infrastructure/db/cockroach.ts";
import { UnitOfWork } from "../../src/infrastructure/db/unit-of-work.ts";
import { createTestDatabase } from "./postgres.ts";
import { type Fault, WireProxy } from "./wire-proxy.ts";

export const counterRow = z.object({ n: z.int() });
export const readCounter = sql.type(counterRow)`select n from counter`;

/** A unit of work on a line that can fail, and at its end a table with one number to count up. */
export class CounterLine implements AsyncDisposable {
  readonly proxy: WireProxy;
  readonly pool: DatabasePool;
  readonly unitOfWork: UnitOfWork;
  readonly #drop: () => Promise<void>;

  static async open(): Promise<CounterLine> {
    const database = await createTestDatabase();
    const proxy = await WireProxy.start(database.uri);
    const pool = await connectToCockroach({ uri: proxy.uri, poolSize: 3, statementTimeoutMs: patienceMs });
    await pool.query(sql.unsafe`create table counter (n int4 not null)`);
    await pool.query(sql.unsafe`insert into counter (n) values (0)`);
    return new CounterLine(proxy, pool, database.drop);
  }

  private constructor(proxy: WireProxy, pool: DatabasePool, drop: () => Promise<void>) {
    this.proxy = proxy;
    this.pool = pool;
    this.unitOfWork = new UnitOfWork(pool);
    this.#drop = drop;
  }

  /** Sets the number to 0 and forgets what was sent. */
  async begin(): Promise<void> {
    await this.pool.query(sql.unsafe`update counter set n = 0`);
    this.proxy.statements.length = 0;
  }

  /** The line is a good one again. */
  mend(): void {
    this.proxy.faults = () => undefined;
    this.proxy.resume();
    this.proxy.accept();
  }

  async counter(): Promise<number> {
    return (await this.pool.one(readCounter)).n;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.end();
    await this.proxy[Symbol.asyncDispose]();
    await this.#drop();
  }
}

/** Does the fault once, at the first statement that is this one. */
export function once(statement: string, fault: Fault): (text: string) => Fault | undefined {
  let done = false;
  return (text) => {
    if (done || !text.includes(statement)) return undefined;
    done = true;
    return fault;
  };
}
