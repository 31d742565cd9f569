import type { Defect } from "./defects.ts";

const rules = "src/domain/credential/password-rules.ts";
const weights = "src/domain/credential/guessed-first.ts";
const authentication = "src/domain/credential/authentication-service.ts";
const newPasswords = "test/domain/credential/new-passwords.test.ts";
const guessedFirst = "test/domain/credential/guessed-first.test.ts";
const ranged = "src/infrastructure/passwords/ranged-breached-passwords.ts";
const filed = "src/infrastructure/passwords/filed-breached-passwords.ts";

/** What could be wrong with new passwords. */
export const passwordDefects: readonly Defect[] = [
  {
    name: "a common password is only compared as it was typed",
    file: weights,
    find: 'password.normalize("NFKC").toLowerCase()',
    replace: "password",
    test: guessedFirst,
    named: "",
  },
  {
    name: "what stood there before counts again",
    file: "src/domain/credential/free-rows.ts",
    find: "Math.max(run, repetitions[at] ?? 0)",
    replace: "Math.max(run, 0 * (repetitions[at] ?? 0))",
    test: guessedFirst,
    named: "",
  },
  {
    name: "a user's own names count as any word",
    file: rules,
    find: "ownWords(person).union(this.#serviceWords)",
    replace: "this.#serviceWords",
    test: newPasswords,
    named: "",
  },
  {
    name: "whose names a new password has is said before the current one is proven",
    file: authentication,
    find: '    this.#passwordRules.assertMeetsGeneralRules(change.newPassword, "new_password");\n',
    replace:
      '    await this.#passwordRules.accept(call, change.newPassword, await this.#person(call, id), "new_password");\n',
    test: newPasswords,
    named: "",
  },
  {
    name: "a check of breaches that fails lets a password pass, whatever is configured",
    file: rules,
    find: '      if (onFailure === "allow") return false;\n',
    replace: "      return false;\n",
    test: "test/domain/credential/password-rules.test.ts",
    named: "",
  },
  {
    name: "a repeated call is refused by rules that have become stricter",
    file: "src/domain/user/user-service.ts",
    find: "      if (earlier?.result === undefined) throw error;\n      return earlier.result;\n",
    replace: "      throw earlier ? error : error;\n",
    test: newPasswords,
    named: "",
  },
  {
    name: "a range query goes where it is sent",
    file: ranged,
    find: 'redirect: "manual"',
    replace: 'redirect: "follow"',
    test: "test/infrastructure/passwords/ranged-breached-passwords.test.ts",
    named: "",
  },
  {
    name: "padding is taken for a breach",
    file: ranged,
    find: " && Number(count) > 0",
    replace: "",
    test: "test/infrastructure/passwords/ranged-breached-passwords.test.ts",
    named: "",
  },
  {
    name: "an answer of any length is read",
    file: ranged,
    find: "if (bytes > maxBytes)",
    replace: "if (bytes < 0)",
    test: "test/infrastructure/passwords/ranged-breached-passwords.test.ts",
    named: "",
  },
  {
    name: "a look-up in a file overlooks the line in the middle",
    file: filed,
    find: "    const before = offset - 1;\n",
    replace: "    const before = offset;\n",
    test: "test/infrastructure/passwords/filed-breached-passwords.test.ts",
    named: "",
  },
];
