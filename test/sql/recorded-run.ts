import type { CommonQueryMethods, DatabasePool, QuerySqlToken } from "slonik";
import {
  CockroachAttemptStatements,
  CockroachAttempts,
} from "../../src/interfaces/relationaldb/cockroachdb/cockroach-attempts.ts";
import { CockroachCredentials } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-credentials.ts";
import { CockroachDevices } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-devices.ts";
import { CockroachEvents } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-events.ts";
import { CockroachRequests } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-requests.ts";
import { CockroachServiceAccounts } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-service-accounts.ts";
import { CockroachSessionStatements } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-session-statements.ts";
import { CockroachSessions } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-sessions.ts";
import { CockroachSigningKeys } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-signing-keys.ts";
import { CockroachUsers } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-users.ts";
import type { Repositories, Statements } from "../../src/interfaces/relationaldb/relational-repository.ts";

/** A statement as the server gets it, and its parameters. */
export interface BoundStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** What queries are made of: the repositories of a transaction, and the statements that are transactions of their own. */
export interface Queried {
  readonly repositories: Repositories;
  readonly statements: Statements;
}

type Query = (queried: Queried) => Promise<unknown>;
type Method = "any" | "many" | "maybeOne" | "one" | "query";
type Send = (token: QuerySqlToken, method: Method) => Promise<unknown>;

/** What a query of the repositories sends. It is run, and then what it did is taken back. */
export async function statementsOf(pool: DatabasePool, query: Query): Promise<BoundStatement[]> {
  const statements: BoundStatement[] = [];
  await stopping((stop) =>
    pool.transaction(async (connection) => {
      const send: Send = (token, method) => {
        statements.push(boundStatement(token));
        return connection[method](token);
      };
      await query(queriedBy(send));
      throw stop;
    }),
  );
  return statements;
}

/** The first statement that a query would send. */
export async function firstStatementOf(query: Query): Promise<BoundStatement[]> {
  const statements: BoundStatement[] = [];
  await stopping((stop) => {
    const send: Send = async (token) => {
      statements.push(boundStatement(token));
      throw stop;
    };
    return query(queriedBy(send));
  });
  return statements;
}

async function stopping(work: (stop: Error) => Promise<unknown>): Promise<void> {
  const stop = new Error("enough");
  await work(stop).catch((error: unknown) => {
    if (error !== stop) throw error;
  });
}

function queriedBy(send: Send): Queried {
  const connection = {
    any: (token: QuerySqlToken) => send(token, "any"),
    many: (token: QuerySqlToken) => send(token, "many"),
    maybeOne: (token: QuerySqlToken) => send(token, "maybeOne"),
    one: (token: QuerySqlToken) => send(token, "one"),
    query: (token: QuerySqlToken) => send(token, "query"),
  } as unknown as CommonQueryMethods;
  const run = <T>(use: (connection: CommonQueryMethods) => Promise<T>) => use(connection);
  return {
    repositories: {
      users: new CockroachUsers(run),
      credentials: new CockroachCredentials(run),
      requests: new CockroachRequests(run),
      sessions: new CockroachSessions(run),
      signingKeys: new CockroachSigningKeys(run),
      serviceAccounts: new CockroachServiceAccounts(run),
      events: new CockroachEvents(run),
      attempts: new CockroachAttempts(run),
      devices: new CockroachDevices(run),
    },
    statements: {
      sessions: new CockroachSessionStatements(run),
      attempts: new CockroachAttemptStatements(run),
    },
  };
}

function boundStatement({ sql, values }: QuerySqlToken): BoundStatement {
  return { text: withNumberedParameters(sql), values };
}

/** A statement of Slonik's with the parameters that the server knows: `$1` for `$slonik_1`. */
export function withNumberedParameters(text: string): string {
  return text.replace(/\$slonik_(\d+)/g, "$$$1");
}
