import { commandLineDefects } from "./command-line-defects.ts";
import { databaseDefects } from "./database-defects.ts";
import { edgeDefects } from "./edge-defects.ts";
import { eventDefects } from "./event-defects.ts";
import { formatDefects } from "./format-defects.ts";
import { guessingDefects } from "./guessing-defects.ts";
import { hostDefects } from "./host-defects.ts";
import { httpDefects } from "./http-defects.ts";
import { lockoutDefects } from "./lockout-defects.ts";
import { passwordDefects } from "./password-defects.ts";
import { passwordHashDefects } from "./password-hash-defects.ts";
import { requestDefects } from "./request-defects.ts";
import { secretDefects } from "./secret-defects.ts";
import { sessionDefects } from "./session-defects.ts";
import { tokenDefects } from "./token-defects.ts";
import { transferDefects } from "./transfer-defects.ts";
import { transportDefects } from "./transport-defects.ts";
import { trustDefects } from "./trust-defects.ts";

/** A defect that is put into a copy of the tree, and the test that must turn red because of it. */
export interface Defect {
  readonly name: string;
  readonly file: string;
  /** Text that occurs once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The test file, and the beginning of the names of the tests in it that are run. */
  readonly test: string;
  readonly named: string;
}

export const defects: readonly Defect[] = [
  {
    name: "plans are kept while the tables grow",
    file: "src/infrastructure/db/session-plans.ts",
    find: "    return this.#send(discardPlans);\n",
    replace: "    return undefined;\n",
    test: "test/infrastructure/db/session-plans.test.ts",
    named: "of PostgreSQL makes its plans anew",
  },
  {
    name: "a table may be read whole",
    file: "src/infrastructure/db/session-plans.ts",
    find: "set enable_seqscan = off",
    replace: "set enable_seqscan = on",
    test: "test/sql/plans-by-statistics.test.ts",
    named: "no query reads a table but along an index",
  },
  {
    name: "an attempt reads the row that it is about to insert",
    file: "src/interfaces/relationaldb/cockroachdb/cockroach-attempts.ts",
    find: "          where account = (select account from counted_under)\n            and not exists (select 1 from counted)\n",
    replace: "          where account = (select account from counted_under)\n",
    test: "test/guessing/aborts.test.ts",
    named: "password checks of 50 callers at once",
  },
  {
    name: "40003 is taken for not applied",
    file: "src/infrastructure/db/unit-of-work.ts",
    find: 'return writes ? "unknown" : "not-applied";',
    replace: 'return "not-applied";',
    test: "test/interfaces/relationaldb/cockroach-repository.test.ts",
    named: "a mutation whose every COMMIT is in doubt",
  },
  {
    name: "a connection lost after COMMIT is taken for not applied",
    file: "src/infrastructure/db/unit-of-work.ts",
    find: 'if (isConnectionLoss(error)) return commitSent ? "unknown" : "not-applied";',
    replace: 'if (isConnectionLoss(error)) return "not-applied";',
    test: "test/infrastructure/db/unit-of-work.test.ts",
    named: "a doubt that cannot be resolved is said to be one",
  },
  {
    name: "a request id's earlier claim is not looked at",
    file: "src/domain/request/mutations.ts",
    find: "      if (earlier) return { earlier };\n",
    replace: "",
    test: "test/domain/user/user-service.test.ts",
    named: "a request id",
  },
  {
    name: "the version is no condition of an update",
    file: "src/interfaces/relationaldb/cockroachdb/cockroach-users.ts",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template
    find: "          and version = ${user.version}\n",
    replace: "",
    test: "test/contract/postgres.test.ts",
    named: "an update of another version",
  },
  {
    name: "the lease of migrations is everybody's",
    file: "src/infrastructure/db/lease.ts",
    find: "    return row !== null;",
    replace: "    return true;",
    test: "test/infrastructure/db/migrate.test.ts",
    named: "begun by five instances at once",
  },
  {
    name: "no dummy hash for who has no password",
    file: "src/infrastructure/crypto/argon2-password-hasher.ts",
    find: "    const checked = known ??",
    replace: "    if (passwordHash === undefined) return false;\n    const checked = known ??",
    test: "test/infrastructure/crypto/argon2-password-hasher.test.ts",
    named: "without a hash it does the same work",
  },
  {
    name: "the queue of hashes has no end",
    file: "src/infrastructure/crypto/hash-pool.ts",
    find: "    this.#assertRoomFor(work.ms);\n",
    replace: "",
    test: "test/infrastructure/crypto/hash-pool.test.ts",
    named: "past the queue's limit",
  },
  {
    name: "a hash is computed for a caller that has gone",
    file: "src/infrastructure/crypto/hash-pool.ts",
    find: '      signal.addEventListener("abort", leave, { once: true });\n',
    replace: "",
    test: "test/infrastructure/crypto/hash-pool.test.ts",
    named: "nothing is run for a caller that has gone",
  },
  {
    name: "a handler is not raced with its deadline",
    file: "src/infrastructure/grpc/call-life.ts",
    find: "    if (!isPromise(value)) {",
    replace: "    if (value !== undefined) {",
    test: "test/infrastructure/grpc/deadlines.test.ts",
    named: "",
  },
  {
    name: "the guard around connect-node is away",
    file: "src/infrastructure/http/http-handler.ts",
    find: '    sendError(response, new ConnectError("host: malformed", Code.InvalidArgument));\n',
    replace: '    throw new TypeError("no guard");\n',
    test: "test/e2e/bad-input.test.ts",
    named: "Host .* on the HTTP port",
  },
  {
    name: "a page token opens for another filter",
    file: "src/infrastructure/crypto/sealed-bytes.ts",
    find: "    .setAAD(aad)\n",
    replace: "    .setAAD(aad.subarray(0, 0))\n",
    test: "test/infrastructure/crypto/aes-page-tokens.test.ts",
    named: "a token opens to what was sealed, for its own scope and key only",
  },
  {
    name: "a transaction's statements may take longer than its call has",
    file: "src/infrastructure/db/unit-of-work.ts",
    find: "          await transaction.query(limitStatements(budget.timeLeftMs()));\n",
    replace: "",
    test: "test/infrastructure/db/unit-of-work.test.ts",
    named: "a deadline is the transaction's statement timeout",
  },
  {
    name: "a statement goes on for readers that have gone",
    file: "src/infrastructure/db/coalesced-reads.ts",
    find: "    this.onLeave();\n",
    replace: "",
    test: "test/infrastructure/db/coalesced-reads.test.ts",
    named: "a statement that nobody waits for any longer is cancelled",
  },
  {
    name: "a connection whose ROLLBACK failed goes back to the pool",
    file: "src/infrastructure/db/postgres-driver.ts",
    find: " || hidesTransaction(statement.text)",
    replace: "",
    test: "test/faults/mutations.test.ts",
    named: "CreateUser: any fault at",
  },
  {
    name: "instances that make the shared secret at one moment die of it",
    file: "src/infrastructure/db/shared-secret.ts",
    find: "!== sqlState.serializationFailure",
    replace: "!== undefined",
    test: "test/infrastructure/db/shared-secret.test.ts",
    named: "",
  },
  {
    name: "every unit tries to connect three times",
    file: "src/infrastructure/db/unit-of-work.ts",
    find: "    if (this.#reconnects < 1) return false;\n",
    replace: "",
    test: "test/outage/database.test.ts",
    named: "out of reach",
  },
  {
    name: "a pool that could not be filled keeps what it has opened",
    file: "src/infrastructure/db/cockroach.ts",
    find: "    await closeConnections();\n",
    replace: "",
    test: "test/outage/start.test.ts",
    named: "keeps none",
  },
  {
    name: "readiness takes four pings to change its mind",
    file: "src/infrastructure/process/readiness.ts",
    find: "hysteresis: 2",
    replace: "hysteresis: 4",
    test: "test/outage/database.test.ts",
    named: "paused",
  },
  {
    name: "a drain cuts off the calls in flight",
    file: "src/infrastructure/grpc/open-sockets.ts",
    find: "this.injector.drain(graceMs);",
    replace: "this.injector.drain(0);",
    test: "test/outage/rolling-restart.test.ts",
    named: "",
  },
  {
    name: "the indexes of users by state are missing",
    file: "src/infrastructure/db/migrations/all-migrations.ts",
    find: "  ...usersByState,\n",
    replace: "",
    test: "test/sql/plans.test.ts",
    named: "no query reads a table",
  },
  {
    name: "a statement locks rows",
    file: "src/interfaces/relationaldb/cockroachdb/cockroach-requests.ts",
    find: "        from requests\n        where id = $" + "{id}\n",
    replace: "        from requests\n        where id = $" + "{id}\n        for update\n",
    test: "test/sql/lint.test.ts",
    named: "no row locks",
  },
  {
    name: "an unknown key is shown, whatever it looks like",
    file: "src/infrastructure/http/decode-json.ts",
    find: 'fieldName.test(key) ? key : "?"',
    replace: "key",
    test: "test/interfaces/rpc/unknown-fields.test.ts",
    named: "is not named if",
  },
  {
    name: "an answered call stays open for as long as its caller likes",
    file: "src/infrastructure/grpc/grpc-wire.ts",
    find: "    if (!this.isGone) this.#closeIn(unreadMs, constants.NGHTTP2_CANCEL);\n",
    replace: "",
    test: "test/hostile/grpc-stalls.test.ts",
    named: "",
  },
  ...databaseDefects,
  ...edgeDefects,
  ...eventDefects,
  ...formatDefects,
  ...passwordHashDefects,
  ...requestDefects,
  ...secretDefects,
  ...sessionDefects,
  ...tokenDefects,
  ...transferDefects,
  ...transportDefects,
  ...trustDefects,
  ...guessingDefects,
  ...hostDefects,
  ...httpDefects,
  ...passwordDefects,
  ...commandLineDefects,
  ...lockoutDefects,
];
