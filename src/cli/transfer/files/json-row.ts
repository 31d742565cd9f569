import { type ByteWindow, maxRowBytes } from "./byte-window.ts";
import type { FileRow } from "./file-row.ts";
import { maxDepth } from "./json-scanner.ts";
import { rowText } from "./row-text.ts";

/** Parses the first `length` loaded bytes as a row, without consuming them. */
export function jsonRow(window: ByteWindow, length: number): FileRow {
  const { line } = window;
  if (length > maxRowBytes) return tooLongRow(line);
  const { text, fault } = rowText(window, 0, length);
  const source = text.trim();
  if (fault === undefined) return { line, source, content: contentOf(source) };
  return { line, source, decodedAs: fault.decodedAs, content: { fault: fault.message } };
}

export function tooLongRow(line: number): FileRow {
  return { line, source: "", content: { fault: `is longer than ${maxRowBytes} bytes` } };
}

function contentOf(source: string): FileRow["content"] {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    // The error's message would quote the row.
    return { fault: "is not valid JSON" };
  }
  return isDeeper(value, maxDepth) ? { fault: `is nested deeper than ${maxDepth} levels` } : { value };
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((each) => isDeeper(each, depth - 1));
}
