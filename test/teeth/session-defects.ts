import type { Defect } from "./defects.ts";

const statements = "src/interfaces/relationaldb/cockroachdb/cockroach-session-statements.ts";
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
    find: "        where sessions.user_id = excluded.user_id\n",
    replace: "",
    test: contract,
    named: "it is not another user's",
  },
  {
    name: "a session is begun while its user is being suspended",
    file: "src/infrastructure/db/postgres-driver.ts",
    find: "await client.query(statement);",
    replace:
      'await client.query({ ...statement, text: statement.text.replace(/^START TRANSACTION$/, "begin isolation level read committed") });',
    test: contract,
    named: "with a suspension, at the same time",
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
    find: "\n        and sessions.refresh_time > now() - ${milliseconds(leewayMs)}",
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
    file: "src/interfaces/relationaldb/cockroachdb/cockroach-sessions.ts",
    find: "        where id = ${id}\n          and ${sessionsTable.live}\n",
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
