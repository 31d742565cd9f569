import type { Defect } from "./defects.ts";

/** What could be wrong with tokens and their keys. */
export const tokenDefects: readonly Defect[] = [
  {
    name: "sessions go on when their user is suspended",
    file: "src/domain/user/user-service.ts",
    find: '        await sessions.endAll(user.id, "user-suspended", undefined);\n',
    replace: "",
    test: "test/domain/user/user-service.test.ts",
    named: "",
  },
  {
    name: "an answer from memory may be of any age",
    file: "src/domain/token/session-statuses.ts",
    find: "    if (ageMs > maxStalenessMs) return undefined;\n",
    replace: "",
    test: "test/domain/token/session-statuses.test.ts",
    named: "",
  },
  {
    name: "a token that was verified once is good whatever became of its key",
    file: "src/infrastructure/crypto/jwt-access-tokens.ts",
    find: "if (keys.get(known.key.id) === known.key) {",
    replace: "if (known) {",
    test: "test/infrastructure/crypto/jwt-access-tokens.test.ts",
    named: "",
  },
  {
    name: "a signing key signs as soon as it is made",
    file: "src/domain/signing-key/key-ring.ts",
    find: "this.#newKey(isFirst ? 0 : Math.max(dueInMs, this.#leadMs))",
    replace: "this.#newKey(0)",
    test: "test/domain/signing-key/key-rotation.test.ts",
    named: "",
  },
  {
    name: "a signature has two forms",
    file: "src/infrastructure/crypto/jws-signatures.ts",
    find: "return signature.compare(halfOrder, 0, 32, 32) <= 0;",
    replace: "return signature.length > 0;",
    test: "test/infrastructure/crypto/forged-access-tokens.test.ts",
    named: "",
  },
  {
    name: "a token for anybody is good for everybody",
    file: "src/domain/token/token-service.ts",
    find: "const isForCaller = (audience === undefined || audience === aud) && ",
    replace: "const isForCaller = (audience === undefined || aud.length > 0) && ",
    test: "test/domain/token/token-service.test.ts",
    named: "",
  },
];
