import type { Defect } from "./defects.ts";

const proofs = "src/domain/credential/password-proofs.ts";
const attempts = "src/interfaces/relationaldb/cockroachdb/cockroach-attempts.ts";
const races = "test/guessing/races.test.ts";

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: it is the text of templates
/** What could be wrong with the limits of guessing. */
export const guessingDefects: readonly Defect[] = [
  {
    name: "a guess is hashed before it is counted",
    file: proofs,
    find: "    return this.#attempts.make(call, attempt, async (allowed) => {\n",
    replace:
      "    const hashed = this.#hasher.verify(call, password.reveal(), undefined).catch(() => false);\n" +
      "    return this.#attempts.make(call, attempt, async (allowed) => {\n      await hashed;\n",
    test: races,
    named: "VerifyPassword of a user",
  },
  {
    name: "names that nobody has are not counted",
    file: attempts,
    find: "(counted.account is not null) as allowed",
    replace: "(counted.account is not null or counted_under.account like 'names/%') as allowed",
    test: races,
    named: "VerifyPassword of a name that nobody has",
  },
  {
    name: "ChangePassword has a budget of its own",
    file: attempts,
    find: "(select 'users/' || id::text || coalesce(",
    replace: '(select \'users/\' || id::text || ${key.kind === "id" ? "/id" : ""}::text || coalesce(',
    test: races,
    named: "every method and spelling",
  },
  {
    name: "names are counted as they are typed",
    file: "src/domain/throttle/sign-in-attempts.ts",
    find: 'return JSON.stringify(canonical === "" ? ["", name] : [key.kind, canonical]);',
    replace: "return JSON.stringify([canonical.slice(0, 0), name]);",
    test: "test/guessing/every-secret.test.ts",
    named: "close all of them to a name that nobody has",
  },
  {
    name: "a guess that is cancelled between its hashes is free",
    file: "src/infrastructure/crypto/argon2-password-hasher.ts",
    find: "      for (const candidate of candidates) {\n",
    replace: "      for (const candidate of candidates) {\n        call.signal.throwIfAborted();\n",
    test: "test/infrastructure/crypto/argon2-password-hasher.test.ts",
    named: "that was typed in two ways",
  },
  {
    name: "a turn is handed to who has gone",
    file: "src/domain/throttle/keyed-semaphore.ts",
    find: "if (signal.aborted) return reject(signal.reason);",
    replace: "if (signal.aborted) reject(signal.reason);",
    test: "test/domain/throttle/keyed-semaphore.test.ts",
    named: "a caller who goes before it asks",
  },
  {
    name: "a locked user is told from a locked name",
    file: attempts,
    find: "retryAfterMs: allowed || capped || leftMs === 0 ? undefined : leftMs,",
    replace: "retryAfterMs: allowed || capped || leftMs === 0 || user.id === undefined ? undefined : leftMs,",
    test: "test/guessing/uniform-answers.test.ts",
    named: "VerifyPassword",
  },
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: it is the text of templates
