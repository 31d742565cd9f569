import { text, wholeNumber } from "./option.ts";

/** Which page of a list. */
export const pageOptions = {
  "page-size": wholeNumber("N", "at most so many: 50 where not given, at most 1,000"),
  "page-token": text("TOKEN", "the page after that one"),
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
  return nextPageToken === "" ? "" : `There are more: --page-token ${nextPageToken}\n`;
}
