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
  /** Undefined if the user has none, or if hashes were not requested. */
  readonly passwordHash: string | undefined;
}

export interface ExportedPage {
  readonly users: readonly ExportedUser[];
  /** Continues after these users. Empty on the last page. */
  readonly nextPageToken: string;
}

/**
 * Maximum rows of one import. The response has a result for each row, and must fit the default message limit of
 * clients, 4 MiB. Split more users into several imports.
 */
export const maxImportedRows = 10_000;

const exportedAtOnce = 500;
const exportHashes: Permission = "users.exportHashes";

/** Imports users from other systems, and exports them. */
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
    return new UserImport(this.#forImports, options, maxImportedRows);
  }

  /**
   * Users ordered by id, page by page, as the consumer reads. A user that exists throughout the export is returned
   * exactly once. The last page, which may be empty, has no token.
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
      // Checked on every page, because the grant can be revoked during an export.
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

  /** Exported hashes can be attacked offline without trace, so the event is recorded before the first one leaves. */
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
