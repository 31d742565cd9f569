import type { Defect } from "./defects.ts";

const statements = "src/interfaces/relationaldb/cockroachdb/cockroach-session-statements.ts";
const sessions = "src/interfaces/relationaldb/cockroachdb/cockroach-sessions.ts";
const contract = "test/contract/postgres.test.ts";

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: it is the text of templates
/** What could be wrong with sessions. */
export const sessionDefects: readonly Defect[] = [
  {
    name: "a session is begun whatever the password has become",
    file: statements,
    find: "          and credentials.password_hash = ${passwordHash}\n",
    replace: "",
    test: contract,
    named: "for a user whose password hash is another",
  },
  {
    name: "a session is begun again for somebody else",
    file: statements,
    find: "where sessions.user_id = excluded.user_id\n            and ",
    replace: "where ",
    test: contract,
    named: "it is not another user's",
  },
  {
    name: "sessions that ended with all others are introspected as live",
    file: sessions,
    find: "${sessionsTable.unended} and ${sessionsTable.isOfEpoch} and",
    replace: "${sessionsTable.unended} and",
    test: contract,
    named: "ends the live sessions of one user",
  },
  {
    name: "sessions that ended with all others are refreshed",
    file: statements,
    find: "            and ${sessionsTable.isOfEpoch}\n",
    replace: "",
    test: contract,
    named: "ends the live sessions of one user",
  },
  {
    name: "the end of all sessions takes as long as there are sessions",
    file: sessions,
    find: "    if (except === undefined) return true;\n",
    replace:
      "    if (except === undefined) {\n      while (await this.settle(1));\n      return true;\n    }\n",
    test: "test/sql/mutation-bounds.test.ts",
    named: "SuspendUser stays within its bound",
  },
  {
    name: "a user may have any number of sessions",
    file: "src/domain/session/session-limit.ts",
    find: "if (!(await this.#repository.read(call).sessions.exceedsCount(userId, this.#perUser))) return;",
    replace: "if (userId.length > 0) return;",
    test: "test/domain/credential/authenticate.test.ts",
    named: "the limit of sessions for each user",
  },
  {
    name: "every caller refreshes every session",
    file: "src/domain/session/session-service.ts",
    find: "const caller = call.may(refreshAny) ? undefined : call.origin.caller;",
    replace: "const caller = undefined as string | undefined;",
    test: "test/domain/session/session-service.test.ts",
    named: "a session belongs to the caller that began it",
  },
  {
    name: "each repetition of a refresh within the leeway writes an event",
    file: statements,
    find: "const countedRepeats = 3;",
    replace: "const countedRepeats = 1_000_000;",
    test: contract,
    named: "tells of a token that is repeated within the leeway",
  },
  {
    name: "an end is forgotten where an earlier answer was on its way",
    file: "src/domain/token/session-statuses.ts",
    find: "if (!forgotten.has(status.id) && !forgotten.has(status.userId)) this.#remember",
    replace: "this.#remember",
    test: "test/domain/token/session-statuses.test.ts",
    named: "",
  },
  {
    name: "a busy database is taken for one that is away",
    file: "src/interfaces/relationaldb/cockroachdb/errors.ts",
    find: "return answers && !isConnectionLoss(error.cause) ? contention(error) : unavailable(error);",
    replace: "return unavailable(error);",
    test: "test/interfaces/relationaldb/contention.test.ts",
    named: "because",
  },
  {
    name: "a suspended user's session is refreshed",
    file: statements,
    find: "            and ${sessionsTable.userIsActive}\n        )",
    replace: "        )",
    test: contract,
    named: "of a suspended or a deleted user's session",
  },
  {
    name: "the session's token before is good for ever",
    file: statements,
    find: " and sessions.refresh_time > now() - ${milliseconds(leewayMs)}",
    replace: "",
    test: contract,
    named: "with the token before, after the leeway",
  },
  {
    name: "an old token does not end the session",
    file: statements,
    find: "and sessions.generation >= ${generation}",
    replace: "and sessions.generation = ${generation}",
    test: contract,
    named: "before the one before ends the session",
  },
  {
    name: "a refreshed session outlives its limit",
    file: statements,
    find: "least(sessions.expire_time",
    replace: "greatest(sessions.expire_time",
    test: contract,
    named: "never moves the limit in all",
  },
  {
    name: "a session is ended twice",
    file: sessions,
    find: "        where id = ${id}\n          and ${sessionsTable.unended}\n",
    replace: "        where id = ${id}\n",
    test: contract,
    named: "made again keeps the first time and reason",
  },
  {
    name: "a statement of a session that was sent is taken for not applied",
    file: "src/infrastructure/db/unit-of-work.ts",
    find: "        attempt.commitSent = true;\n        return run(connection);",
    replace: "        void attempt;\n        return run(connection);",
    test: "test/infrastructure/db/unit-of-work-statement.test.ts",
    named: "a doubt that cannot be resolved",
  },
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: it is the text of templates
