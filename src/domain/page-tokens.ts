import { type Call, ownerOf } from "./call.ts";
import { invalidField } from "./errors.ts";

/** A position in a list sorted by time and id: after the item with these values. */
export interface PageCursor {
  readonly createTime: Date;
  readonly id: string;
}

/**
 * Seals a position in a list into the opaque page token that a caller receives, and opens it again (AIP-158). A token
 * is bound to the scope that it was sealed for. Callers cannot forge, read or change one.
 */
export interface PageTokens {
  seal(cursor: PageCursor, scope: string): string;
  /** The position, or undefined if this service did not issue the token for this scope. */
  open(token: string, scope: string): PageCursor | undefined;
}

const defaultPageSize = 50;
const maxPageSize = 1000;

/** A request for one page of a list (AIP-158). */
export interface PageRequest {
  /** 0 means the default. */
  readonly pageSize: number;
  /** Empty for the first page. */
  readonly pageToken: string;
  /** What the token is bound to, in addition to the caller. */
  readonly scope: string;
  /** The parts of the request that make up the scope, for error messages. */
  readonly boundTo: string;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/**
 * Reads one page. `list` returns the first `limit` items after a position, in order.
 * @throws PAGE_TOKEN_INVALID
 */
export async function readPage<Item extends PageCursor>(
  call: Call,
  pageTokens: PageTokens,
  { pageSize, pageToken, boundTo, ...request }: PageRequest,
  list: (after: PageCursor | undefined, limit: number) => Promise<readonly Item[]>,
): Promise<Page<Item>> {
  const scope = JSON.stringify([ownerOf(call), request.scope]);
  const size = pageSize === 0 ? defaultPageSize : Math.min(pageSize, maxPageSize);
  // One more than the page, to know whether there is another page.
  const found = await list(openPageToken(pageTokens, pageToken, scope, boundTo), size + 1);
  const items = found.slice(0, size);
  const last = found.length > size ? items.at(-1) : undefined;
  return { items, nextPageToken: last === undefined ? "" : pageTokens.seal(last, scope) };
}

/** The position that a token encodes; undefined for the empty token of the first page. */
function openPageToken(
  pageTokens: PageTokens,
  token: string,
  scope: string,
  boundTo: string,
): PageCursor | undefined {
  if (token === "") return undefined;
  const cursor = pageTokens.open(token, scope);
  if (cursor === undefined) {
    throw invalidField(
      "PAGE_TOKEN_INVALID",
      "page_token",
      `must be a token that this service issued to this caller for the same ${boundTo}`,
    );
  }
  return cursor;
}
