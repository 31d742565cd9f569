import type { Defect } from "./defects.ts";

/** What could give a secret away, or let something unsafe start. */
export const secretDefects: readonly Defect[] = [
  {
    name: "a secret is JSON as it is",
    file: "src/domain/secret.ts",
    find: "  toJSON(): string {\n    return redacted;",
    replace: "  toJSON(): string {\n    return String(this.#value);",
    test: "test/domain/secret.test.ts",
    named: "",
  },
  {
    name: "a refused key is repeated to who sent it",
    file: "src/domain/caller/callers.ts",
    find: 'throw unauthenticated("the key is unknown, disabled or expired");',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template
    replace: "throw unauthenticated(`the key ${authorization.reveal()} is unknown, disabled or expired`);",
    test: "test/canaries/canaries.test.ts",
    named: "",
  },
  {
    name: "the log says what headers a call had",
    file: "src/interfaces/rpc/interceptors/log-calls.ts",
    find: "    this.#requestId = requestIdOf(",
    replace:
      '    log.info({ cookie: btoa(header.get("cookie") ?? "") }, "headers");\n    this.#requestId = requestIdOf(',
    test: "test/canaries/canaries.test.ts",
    named: "",
  },
  {
    name: "an error is logged with all that it holds",
    file: "src/infrastructure/process/logger.ts",
    find: "    ...(typeof code",
    replace: "    ...(error as object),\n    ...(typeof code",
    test: "test/infrastructure/process/logger.test.ts",
    named: "",
  },
  {
    name: "the first sslmode counts, and not the last",
    file: "src/config/unsafe-settings.ts",
    find: 'getAll("sslmode").at(-1)',
    replace: 'get("sslmode")',
    test: "test/config/unsafe-configurations.test.ts",
    named: "",
  },
  {
    name: "files that everybody may change are read",
    file: "src/infrastructure/files/trusted-path.ts",
    find: "if ((mode & 0o002) !== 0) return",
    replace: "if (mode < 0) return",
    test: "test/config/unsafe-configurations.test.ts",
    named: "a process refuses to start",
  },
];
