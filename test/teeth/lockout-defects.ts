import type { Defect } from "./defects.ts";

const attempts = "src/interfaces/relationaldb/cockroachdb/cockroach-attempts.ts";
const authentication = "src/domain/credential/authentication-service.ts";
const contract = "test/contract/postgres.test.ts";
const fromDevice = "an attempt from a known device";
const known = "test/domain/throttle/known-attempts.test.ts";

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: it is the text of templates
/** What could make a weapon of the lockout, or let a known device do too much. */
export const lockoutDefects: readonly Defect[] = [
  {
    name: "a known device is counted with its account",
    file: attempts,
    find: "coalesce((select suffix from known), '')",
    replace: "coalesce((select left(suffix, 0) from known), '')",
    test: contract,
    named: fromDevice,
  },
  {
    name: "a device has the cap of an account",
    file: attempts,
    find: "when account_attempts.account like ${knownPattern} then ${limits.knownDeviceCap}::int8",
    replace: "when account_attempts.account like ${knownPattern} then ${limits.cap}::int8",
    test: contract,
    named: fromDevice,
  },
  {
    name: "a network refuses known devices",
    file: attempts,
    find: "where exists (select 1 from known) or not exists (",
    replace: "where not exists (",
    test: contract,
    named: fromDevice,
  },
  {
    name: "a session that has ended has a budget",
    file: attempts,
    find: "      and ${sessionsTable.unended}\n      and ${sessionsTable.isOfEpoch}\n",
    replace: "",
    test: contract,
    named: "an attempt in a session",
  },
  {
    name: "a device token is good for 31 days",
    file: "src/domain/throttle/known-devices.ts",
    find: "const keptForMs = 30 * 24 * 3_600_000;",
    replace: "const keptForMs = 31 * 24 * 3_600_000;",
    test: known,
    named: "means nothing to another user",
  },
  {
    name: "a device token outlives the password",
    file: authentication,
    find: "await devices.forgetAll(id);\n        await events",
    replace: "await events",
    test: known,
    named: "means nothing to another user",
  },
  {
    name: "the sign-in of a known device opens the account to strangers",
    file: "src/interfaces/relationaldb/cockroachdb/cockroach-attempts.ts",
    find: "where account = ${account ?? accountOf(userId)}",
    replace: "where account in (${account ?? accountOf(userId)}, ${accountOf(userId)})",
    test: contract,
    named: fromDevice,
  },
  {
    name: "ChangePassword confirms a password for free",
    file: authentication,
    find: "if (confirmsPassword(error)) await allowed.failed(error.reason);",
    replace: "",
    test: known,
    named: "ChangePassword with the right current password",
  },
  {
    name: "ValidatePassword tells names to callers that may not see the user",
    file: authentication,
    find: 'if (!call.may("users.get")) {',
    replace: 'if (!call.may("users.get") && userId === "") {',
    test: known,
    named: "ValidatePassword",
  },
  {
    name: "unlocking leaves no event",
    file: "src/domain/throttle/lockouts.ts",
    find: "...unlocked.map(",
    replace: "...unlocked.slice(0, 0).map(",
    test: known,
    named: "is ended by UnlockUser, with an event",
  },
  {
    name: "costly hashes stand in for unknown names",
    file: "src/infrastructure/crypto/decoy-hashes.ts",
    find: "if (met.cost !== this.#own.cost && exceedsMaxDecoyWork(met)) return;",
    replace: "if (met.cost === this.#own.cost && exceedsMaxDecoyWork(met)) return;",
    test: "test/infrastructure/crypto/decoy-hashes.test.ts",
    named: "what stands in for a name",
  },
  {
    name: "the hash pool takes any memory",
    file: "src/infrastructure/crypto/hash-pool.ts",
    find: " && this.#runningKib + memoryKib <= this.#limits.memoryKib",
    replace: "",
    test: "test/infrastructure/crypto/hash-pool.test.ts",
    named: "no more memory is taken",
  },
  {
    name: "the queue of hashes is bounded by their number only",
    file: "src/infrastructure/crypto/hash-pool.ts",
    find: "this.#queuedMs + ms <= queueLimit * unitMs",
    replace: "true",
    test: "test/infrastructure/crypto/hash-pool.test.ts",
    named: "costly tasks fill the queue",
  },
  {
    name: "all characters of a folded password are weighed",
    file: "src/domain/credential/guessed-first.ts",
    find: "[...folded].slice(0, longestWeighed)",
    replace: "[...folded].slice(0, 100 * longestWeighed)",
    test: "test/domain/credential/weighing-time.test.ts",
    named: "",
  },
  {
    name: "an address behind NAT64 is counted as an IPv6 address",
    file: "src/domain/throttle/network.ts",
    find: " || begins(0x64, 0xff9b, 0, 0, 0, 0)",
    replace: "",
    test: "test/domain/throttle/network.test.ts",
    named: "",
  },
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: it is the text of templates
