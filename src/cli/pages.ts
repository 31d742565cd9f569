import { text, wholeNumber } from "./option.ts";

/** Selects a page of a list. */
export const pageOptions = {
  "page-size": wholeNumber("N", "maximum results: 50 by default, at most 1,000"),
  "page-token": text("TOKEN", "page token of the next page"),
};

/** The requested page, as the list methods accept it. */
export function pageOf(options: {
  readonly "page-size": number | undefined;
  readonly "page-token": string | undefined;
}) {
  return { pageSize: options["page-size"] ?? 0, pageToken: options["page-token"] ?? "" };
}

/** The text that explains how to get the next page. */
export function more(nextPageToken: string): string {
  return nextPageToken === "" ? "" : `More results: --page-token ${nextPageToken}\n`;
}
