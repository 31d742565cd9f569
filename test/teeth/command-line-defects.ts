import type { Defect } from "./defects.ts";

/** Defects of the command line, and of what it asked of the rest. */
export const commandLineDefects: readonly Defect[] = [
  {
    name: "a pipe that closes brings a command down",
    file: "src/cli.ts",
    find: 'if (error.code !== "EPIPE") throw error;',
    replace: "throw error;",
    test: "test/cli/terminal.test.ts",
    named: "a reader that has seen enough",
  },
  {
    name: "a command that has started the database does not wait for its guests",
    file: "src/infrastructure/db/borrow-database.ts",
    find: "embedded.stop(clientsMs)",
    replace: "embedded.stop()",
    test: "test/infrastructure/db/borrow-database.test.ts",
    named: "is not stopped while somebody else",
  },
  {
    name: "a service that starts does not wait for a command",
    file: "src/infrastructure/db/borrow-database.ts",
    find: ", isBrief: true",
    replace: "",
    test: "test/cli/embedded.test.ts",
    named: "a service that starts at that moment",
  },
  {
    name: "a name can turn an operator's terminal around",
    file: "src/cli/text.ts",
    find: "\\p{Cc}\\p{Cf}",
    replace: "\\p{Cc}",
    test: "test/cli/text.test.ts",
    named: "what moves a cursor",
  },
  {
    name: "a rotation that is asked for twice adds two keys",
    file: "src/domain/signing-key/key-ring.ts",
    find: "    if (waiting !== undefined) return { key: this.#keyOf(waiting.id), added: false };\n",
    replace: "",
    test: "test/domain/signing-key/operated-keys.test.ts",
    named: "adds none where the next one waits",
  },
  {
    name: "a certificate that has expired is fine with doctor",
    file: "src/cli/doctor/files-checks.ts",
    find: "expireTime.getTime() <= now",
    replace: "false",
    test: "test/cli/doctor.test.ts",
    named: "says what is wrong with the TLS files",
  },
];
