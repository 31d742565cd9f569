import { type Call, ownerOf } from "./call.ts";
import { invalidField } from "./errors.ts";

/** A place in a list that is ordered by time and id: after the item with these. */
export interface PageCursor {
  readonly createTime: Date;
  readonly id: string;
}

/**
 * Makes a place in a list into the opaque token that a caller gets, and back (AIP-158). A token is bound to the scope it
 * was made for; nobody can make, read or change one.
 */
export interface PageTokens {
  seal(cursor: PageCursor, scope: string): string;
  /** The place, or undefined where the token is not one of ours for this scope. */
  open(token: string, scope: string): PageCursor | undefined;
}

const defaultPageSize = 50;
const maxPageSize = 1000;

/** One page of a list, as a request asks for it (AIP-158). */
export interface PageRequest {
  /** 0 means the default. */
  readonly pageSize: number;
  /** Empty for the first page. */
  readonly pageToken: string;
  /** What the token is bound to, besides the caller. */
  readonly scope: string;
  /** What of the request the scope is made of, for people. */
  readonly boundTo: string;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/**
 * Reads one page: `list` answers the first `limit` items after a place, in their order.
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
  // One more than the page tells whether there is another page.
  const found = await list(openPageToken(pageTokens, pageToken, scope, boundTo), size + 1);
  const items = found.slice(0, size);
  const last = found.length > size ? items.at(-1) : undefined;
  return { items, nextPageToken: last === undefined ? "" : pageTokens.seal(last, scope) };
}

/** The place that a token stands for; undefined for the empty one, of the first page. */
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
