import { DomainError } from "./errors.ts";

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

/** The items that a page has at most, for the `page_size` of a request (AIP-158). */
export function pageLimit(pageSize: number): number {
  return pageSize === 0 ? defaultPageSize : Math.min(pageSize, maxPageSize);
}

/**
 * The place that a `page_token` stands for; undefined for the empty one, of the first page.
 * @throws PAGE_TOKEN_INVALID
 */
export function openPageToken(
  pageTokens: PageTokens,
  token: string,
  scope: string,
  /** What of the request the scope is made of, for people. */
  boundTo: string,
): PageCursor | undefined {
  if (token === "") return undefined;
  const cursor = pageTokens.open(token, scope);
  if (cursor === undefined) {
    const description = `was not made by this service for the same ${boundTo}`;
    throw new DomainError("PAGE_TOKEN_INVALID", `page_token: ${description}`, {
      violations: [{ field: "page_token", description }],
    });
  }
  return cursor;
}
