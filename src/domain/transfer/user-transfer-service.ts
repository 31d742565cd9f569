import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import type { Call } from "../call.ts";
import type { Permission } from "../caller/permission.ts";
import { DomainError } from "../errors.ts";
import { canonicalEmailPrefix } from "../identifier/identifier.ts";
import { type PageTokens, readPage } from "../page-tokens.ts";
import type { User } from "../user/user.ts";
import type { ListUsers } from "../user/user-service.ts";
import { type ImportDependencies, type ImportOptions, UserImport } from "./user-import.ts";

export interface ExportUsers extends Omit<ListUsers, "orderBy" | "descending" | "pageSize"> {
  readonly includePasswordHashes: boolean;
}

export interface ExportedUser {
  readonly user: User;
  /** Undefined where the user has none, or hashes are not asked for. */
  readonly passwordHash: string | undefined;
}

export interface ExportedPage {
  readonly users: readonly ExportedUser[];
  /** Goes on behind these users. Empty with the last ones. */
  readonly nextPageToken: string;
}

/**
 * The most rows of one import: its answer has a result for each, and has to be one that a caller takes, four MiB by default.
 * More users are more imports.
 */
export const mostImportedRows = 10_000;

const exportedAtOnce = 500;
const exportHashes: Permission = "users.exportHashes";

/** Moves users in from other systems, and out. */
export class UserTransferService {
  readonly #repository: RelationalRepository;
  readonly #pageTokens: PageTokens;
  readonly #events: AuditEvents;
  readonly #forImports: ImportDependencies;

  constructor(dependencies: ImportDependencies & { readonly pageTokens: PageTokens }) {
    this.#repository = dependencies.repository;
    this.#pageTokens = dependencies.pageTokens;
    this.#events = dependencies.events;
    this.#forImports = dependencies;
  }

  beginImport(options: ImportOptions): UserImport {
    return new UserImport(this.#forImports, options, mostImportedRows);
  }

  /**
   * Users in the order of their ids, page by page, as long as somebody takes them. A user that is there through the whole
   * export is answered exactly once. The last page, which may be empty, has no token.
   * @throws PERMISSION_DENIED, PAGE_TOKEN_INVALID
   */
  async *export(
    call: Call,
    { pageToken, includePasswordHashes, ...filter }: ExportUsers,
  ): AsyncGenerator<ExportedPage> {
    if (includePasswordHashes) await this.#allowHashes(call);
    const query = { ...filter, orderBy: "id" as const, descending: false };
    const scope = `export ${JSON.stringify(query, Object.keys(query).sort())}`;
    const emailPrefix = query.emailPrefix === undefined ? undefined : canonicalEmailPrefix(query.emailPrefix);
    const { users, credentials } = this.#repository.read(call);
    for (let token = pageToken, isFirst = true; isFirst || token !== ""; isFirst = false) {
      // On every page: the grant can be taken away during an export.
      if (includePasswordHashes) assertMayExportHashes(call);
      const page = await readPage(
        call,
        this.#pageTokens,
        { pageSize: exportedAtOnce, pageToken: token, scope, boundTo: "filter and show_deleted" },
        (after, limit) => users.list({ ...query, emailPrefix, after, limit }),
      );
      const hashes = includePasswordHashes
        ? await credentials.findHashes(page.items.map(({ id }) => id))
        : new Map<string, string>();
      token = page.nextPageToken;
      yield {
        users: page.items.map((user) => ({ user, passwordHash: hashes.get(user.id) })),
        nextPageToken: token,
      };
    }
  }

  /** Whoever has the hashes can guess passwords where nobody sees it: that they left is on record before the first does. */
  async #allowHashes(call: Call): Promise<void> {
    assertMayExportHashes(call);
    const event = this.#events.of(call, { type: "password-hashes.exported" });
    await this.#repository.transaction(call, ({ events }) => events.add(event));
  }
}

function assertMayExportHashes(call: Call): void {
  if (call.may(exportHashes)) return;
  throw new DomainError(
    "PERMISSION_DENIED",
    `${call.origin.caller} may not export password hashes: it takes the permission "${exportHashes}"`,
  );
}
