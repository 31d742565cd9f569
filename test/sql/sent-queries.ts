import type { Client } from "pg";
import type { DatabasePool } from "slonik";
import type { UserQuery } from "../../src/interfaces/relationaldb/user-repository.ts";
import { eventArgumentsOf } from "./event-population.ts";
import { everyAttemptQuery, everyAttemptStatement } from "./every-attempt-query.ts";
import { everyCallerQuery } from "./every-caller-query.ts";
import { everyEventQuery } from "./every-event-query.ts";
import { everyList, everyQuery, type Query } from "./every-query.ts";
import { everySessionQuery, everyStatementQuery } from "./every-session-query.ts";
import {
  argumentsOf,
  callerArgumentsOf,
  oldestWithEmail,
  population,
  sessionArgumentsOf,
  spansOf,
} from "./population.ts";
import { type BoundStatement, firstStatementOf, type Queried, statementsOf } from "./recorded-run.ts";

/** A query and what it sends. */
export interface SentQuery extends Pick<Query, "name" | "page" | "list"> {
  readonly statements: readonly BoundStatement[];
}

/** Every query of the API as it is sent to a populated database, with arguments of users, sessions and events that are there. */
export async function everySentQuery(client: Client, pool: DatabasePool): Promise<SentQuery[]> {
  const given = await argumentsOf(client, pool);
  const asked = [
    ...everyQuery({ ...given, emailPrefixes: ["abc"] }),
    // One in sixteen, one in 256.
    ...everyList({ ...given, emailPrefixes: ["a", "ab"] }).filter(
      ({ list }) => list?.emailPrefix && !list.createdAfter && !list.createdBefore,
    ),
    // Few users, and some; there is no need for pages behind the first.
    ...(await spansOf(client)).flatMap((span) =>
      everyList({ ...given, ...span, emailPrefixes: [], cursors: [undefined] }),
    ),
  ].filter(mayBeAsked);
  const queries: SentQuery[] = [];
  for (const query of asked) {
    const run = ({ repositories }: Queried) => query.run(repositories);
    const statements = await (query.list ? firstStatementOf(run) : statementsOf(pool, run));
    queries.push({ ...query, statements });
  }
  for (const { name, page, run } of everyEventQuery(
    await eventArgumentsOf(client, population, oldestWithEmail),
  )) {
    const statements = await statementsOf(pool, ({ repositories }) => run(repositories));
    queries.push({ name, page, statements });
  }
  const ofSessions = await sessionArgumentsOf(client);
  for (const { name, page, run } of everySessionQuery(ofSessions)) {
    const statements = await statementsOf(pool, ({ repositories }) => run(repositories));
    queries.push({ name, page, statements });
  }
  const ofAttempts = { ...ofSessions, keys: given.keys };
  for (const { name, page, run } of everyAttemptQuery(ofAttempts)) {
    const statements = await statementsOf(pool, ({ repositories }) => run(repositories));
    queries.push({ name, page, statements });
  }
  for (const { name, page, run } of everyAttemptStatement(ofAttempts)) {
    const statements = await statementsOf(pool, (queried) => run(queried.statements));
    queries.push({ name, page, statements });
  }
  for (const { name, page, run } of everyCallerQuery(await callerArgumentsOf(client))) {
    const statements = await statementsOf(pool, ({ repositories }) => run(repositories));
    queries.push({ name, page, statements });
  }
  for (const { name, page, run } of everyStatementQuery(ofSessions)) {
    const statements = await statementsOf(pool, (queried) => run(queried.statements));
    queries.push({ name, page, statements });
  }
  return queries;
}

/** What a caller can ask for: the schema refuses deleted users without `show_deleted`. */
function mayBeAsked({ list }: { readonly list?: UserQuery | undefined }): boolean {
  return !(list?.state === "deleted" && !list.showDeleted);
}
