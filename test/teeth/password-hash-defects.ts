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
    name: "the length of PBKDF2 counts bytes only, and not bits as in Ory's examples",
    file: `${folder}/pbkdf2.ts`,
    find: "[bytes.length, 8 * bytes.length]",
    replace: "[bytes.length]",
    test: `${tests}/spellings.test.ts`,
    named: "an intact hash is read in every spelling",
  },
  {
    name: "base64 for URLs is not read",
    file: `${folder}/encodings.ts`,
    find: '    .replaceAll("_", "/");\n',
    replace: "",
    test: `${tests}/spellings.test.ts`,
    named: "an intact hash is read in every spelling",
  },
  {
    name: "PBKDF2 of Spring Security 5.8 has the iterations of 5.5",
    file: `${folder}/spring.ts`,
    find: "iterations: 310_000",
    replace: "iterations: 185_000",
    test: `${tests}/every-format.test.ts`,
    named: "pbkdf2@SpringSecurity_v5_8",
  },
  {
    name: "the braces around a salt of Spring Security are not hashed",
    file: `${folder}/braced-digest.ts`,
    find: 'Buffer.from(parts["salt"] ?? "")',
    replace: 'Buffer.from((parts["salt"] ?? "").slice(1, -1))',
    test: `${tests}/every-format.test.ts`,
    named: "SHA-1, from spring",
  },
  {
    name: "a locked account of shadow(5) has a password",
    file: `${folder}/no-password.ts`,
    find: "(?:!|",
    replace: "(?:!{1,2}$|",
    test: `${tests}/no-password.test.ts`,
    named: "a marker",
  },
  {
    name: "a marker for no password is a hash that is refused",
    file: "src/domain/transfer/user-record.ts",
    find: '  if ("none" in verdict) return undefined;\n',
    replace: "",
    test: "test/domain/credential/imported-hashes.test.ts",
    named: "and whose hash means that there is no password",
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
