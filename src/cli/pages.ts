import { text, wholeNumber } from "./option.ts";

/** Which page of a list. */
export const pageOptions = {
  "page-size": wholeNumber("N", "maximum results: 50 by default, at most 1,000"),
  "page-token": text("TOKEN", "page token of the next page"),
};

/** The page that is asked for, as a list takes it. */
export function pageOf(options: {
  readonly "page-size": number | undefined;
  readonly "page-token": string | undefined;
}) {
  return { pageSize: options["page-size"] ?? 0, pageToken: options["page-token"] ?? "" };
}

/** How to go on with a list, for people. */
export function more(nextPageToken: string): string {
  return nextPageToken === "" ? "" : `More results: --page-token ${nextPageToken}\n`;
}
