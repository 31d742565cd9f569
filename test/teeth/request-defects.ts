import type { Defect } from "./defects.ts";

/** What could be wrong with requests that are refused: fields, keys of attributes, times, and forged keys of callers. */
export const requestDefects: readonly Defect[] = [
  {
    name: "an error has all of its violations, however many",
    file: "src/interfaces/rpc/error-size.ts",
    find: "    if (bytes > violationsBytes) break;\n",
    replace: "",
    test: "test/interfaces/rpc/error-size.test.ts",
    named: "",
  },
  {
    name: "a message is cut by its characters, not by what they take once they are encoded",
    file: "src/interfaces/rpc/error-size.ts",
    find: "(text: string) => encodeURIComponent(text).length",
    replace: "(text: string) => text.length",
    test: "test/interfaces/rpc/error-size.test.ts",
    named: "",
  },
  {
    name: "SUSPENSION_IN_PAST does not name its field",
    file: "src/domain/user/user-service.ts",
    find: 'invalidField("SUSPENSION_IN_PAST", "until_time", "must be in the future")',
    replace: 'new DomainError("SUSPENSION_IN_PAST", "until_time: must be in the future", { violations: [] })',
    test: "test/interfaces/rpc/invalid-reasons.test.ts",
    named: "",
  },
  {
    name: "a timestamp is rounded to the nearest millisecond",
    file: "src/interfaces/rpc/timestamps.ts",
    find: "toMs(timestamp, field, Math.floor)",
    replace: "toMs(timestamp, field, Math.round)",
    test: "test/interfaces/rpc/timestamps.test.ts",
    named: "",
  },
  {
    name: "a mask may name an attribute that is nowhere",
    file: "src/domain/user/update-mask.ts",
    find: "  for (const path of paths) assertKnown(path, current, wanted);\n",
    replace: "",
    test: "test/interfaces/rpc/attribute-keys.test.ts",
    named: "",
  },
  {
    name: "keys that collide are converted all the same",
    file: "src/infrastructure/db/migrate.ts",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template
    find: "    if (count > 0) throw new MigrationError(`${id}: ${refusal.message(count)}`);\n",
    replace: "",
    test: "test/infrastructure/db/migrations/attribute-keys.test.ts",
    named: "",
  },
  {
    name: "the checksum of a key is not compared",
    file: "src/infrastructure/crypto/hmac-service-account-keys.ts",
    find: "    if (!timingSafeEqual(this.#checksum(key), bytes.subarray(key.length))) return undefined;\n",
    replace: "",
    test: "test/domain/caller/callers.test.ts",
    named: "",
  },
  {
    name: "unusable keys take the places of usable ones",
    file: "src/domain/caller/key-memory.ts",
    find: "        if (key?.good) put(",
    replace: "        if (key?.good !== true || key.good) put(",
    test: "test/domain/caller/callers.test.ts",
    named: "",
  },
];
