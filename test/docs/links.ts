import { posix } from "node:path";
import type { Page } from "./markdown.ts";

/**
 * The links of a page to files and headings that do not exist, each as "file:line: what is wrong". Links to other hosts are
 * not followed.
 * @param pages every document, by path
 * @param paths every file and folder of the tree
 */
export function brokenLinks(
  page: Page,
  pages: ReadonlyMap<string, Page>,
  paths: ReadonlySet<string>,
): string[] {
  const internal = page.links.filter(({ text }) => !/^[a-z]+:/.test(text));
  return internal.flatMap(({ line, text }) => {
    const [path = "", anchor] = text.split("#");
    const target = path === "" ? page.file : posix.join(posix.dirname(page.file), path).replace(/\/$/, "");
    if (!paths.has(target)) return [`${page.file}:${line}: unknown file or folder ${text}`];
    if (anchor === undefined || pages.get(target)?.anchors.has(anchor)) return [];
    return [`${page.file}:${line}: unknown heading ${text}`];
  });
}
