import type { Defect } from "./defects.ts";

const folder = "src/infrastructure/crypto/password-hashes";
const tests = "test/infrastructure/crypto/password-hashes";

/** Defects of the hashes that users bring along from other systems. */
export const passwordHashDefects: readonly Defect[] = [
  {
    name: "bcrypt takes a password by its first 72 bytes",
    file: `${folder}/bcrypt.ts`,
    find: "password.length <= mostBytes && ",
    replace: "",
    test: `${tests}/bcrypt.test.ts`,
    named: "bcrypt looks at 72 bytes",
  },
  {
    name: "costs have no upper bound",
    file: `${folder}/budget.ts`,
    find: " && value <= most",
    replace: "",
    test: `${tests}/refused-hashes.test.ts`,
    named: "costs beyond the budget",
  },
  {
    name: "a loop runs on the thread that answers calls",
    file: `${folder}/loops/loop-threads.ts`,
    find: "  const [waiting] = idle;\n",
    replace:
      "  for (const until = performance.now() + 6_000; performance.now() < until; );\n  const [waiting] = idle;\n",
    test: `${tests}/loop-threads.test.ts`,
    named: "calls are answered while a loop runs",
  },
  {
    name: "a password that is taken from a stand-in is good",
    file: "src/infrastructure/crypto/argon2-password-hasher.ts",
    find: "if (matches && known) return true;",
    replace: "if (matches) return true;",
    test: "test/infrastructure/crypto/argon2-password-hasher.test.ts",
    named: "is stood in for by what costs as much",
  },
  {
    name: "the password as it was typed is not tried",
    file: "src/domain/credential/password-proofs.ts",
    find: "        typed: password.reveal(),\n",
    replace: "",
    test: "test/domain/credential/imported-hashes.test.ts",
    named: "a user who was moved in",
  },
  {
    name: "an imported hash is never replaced",
    file: "src/infrastructure/crypto/argon2-password-hasher.ts",
    find: "return passwordHash.length !== length || !passwordHash.startsWith(prefix);",
    replace: 'return passwordHash.startsWith("$argon2") && !passwordHash.startsWith(prefix);',
    test: "test/domain/credential/imported-hashes.test.ts",
    named: "a user who was moved in",
  },
  {
    name: "all unknown names cost what ours do",
    file: "src/infrastructure/crypto/decoy-hashes.ts",
    find: "    if (others.length === 0) return this.#own;\n",
    replace: "    if (others.length >= 0) return this.#own;\n",
    test: "test/infrastructure/crypto/decoy-hashes.test.ts",
    named: "what stands in for a name",
  },
];
