import type { Defect } from "./defects.ts";

const importTests = "test/domain/transfer/user-import.test.ts";
const handlerTests = "test/interfaces/rpc/user-transfer-handlers.test.ts";

/** What could be wrong with imports and exports. */
export const transferDefects: readonly Defect[] = [
  {
    name: "a batch is not known by its place in the import",
    file: "src/domain/transfer/user-import.ts",
    find: '["ImportUsers batch", this.#requestId, this.#batches]',
    replace: '["ImportUsers batch", this.#requestId]',
    test: importTests,
    named: "with its request id answers",
  },
  {
    name: "hashes are no part of what was sent",
    file: "src/domain/transfer/user-import.ts",
    find: "this.#dependencies.fingerprint(record)",
    replace: "this.#dependencies.fingerprint({ ...record, passwordHash: undefined })",
    test: importTests,
    named: "with another hash is refused",
  },
  {
    name: "who is refused takes names all the same",
    file: "src/domain/transfer/settle-rows.ts",
    find: "    const name = names.find((each) => taken.has(each));\n",
    replace:
      "    const name = names.find((each) => taken.has(each));\n    for (const each of names) taken.add(each);\n",
    test: importTests,
    named: "takes rows one after another",
  },
  {
    name: "rows that were only checked are forgotten",
    file: "src/domain/transfer/user-import.ts",
    find: "new Set([...this.#checked, ...others.flatMap(namesOf)])",
    replace: "new Set(others.flatMap(namesOf))",
    test: importTests,
    named: "takes rows one after another",
  },
  {
    name: "rows are read without a pause",
    file: "src/domain/transfer/user-import.ts",
    find: "row % readAtOnce === 0",
    replace: "row % 1_000 === 0",
    test: importTests,
    named: "of many rows lets others",
  },
  {
    name: "what a batch refused is not remembered",
    file: "src/domain/request/mutations.ts",
    find: "({ refusedRows }) => refusedRows ?? [],",
    replace: "() => [],",
    test: importTests,
    named: "with its request id answers",
  },
  {
    name: "times that are still to come are kept",
    file: "src/interfaces/relationaldb/cockroachdb/insert-users.ts",
    find: "least(given.create_time, now()),",
    replace: "coalesce(given.create_time, now()),",
    test: "test/contract/postgres.test.ts",
    named: "have no time that is still to come",
  },
  {
    name: "who may export may export hashes",
    file: "src/domain/transfer/user-transfer-service.ts",
    find: "if (call.may(exportHashes)) return;",
    replace: 'if (call.may("users.export")) return;',
    test: handlerTests,
    named: "takes a permission of its own",
  },
  {
    name: "admin may export hashes",
    file: "src/domain/caller/permission.ts",
    find: 'new Set(["users.exportHashes"])',
    replace: "new Set()",
    test: "test/domain/caller/policy.test.ts",
    named: "password hashes are exported by",
  },
  {
    name: "rows are not held to the rules of a user",
    file: "src/interfaces/rpc/user-record-message.ts",
    find: "  assertValid(UserSchema, user);\n",
    replace: "",
    test: handlerTests,
    named: "refuses a row with a display name of 300",
  },
  {
    name: "messages of a stream are not held to their rules",
    file: "src/interfaces/rpc/interceptors/validate.ts",
    find: "    assertValid(method.input, each);\n",
    replace: "",
    test: handlerTests,
    named: "holds every message of the stream",
  },
];
