import {
  dataRow,
  errorFields,
  errorResponse,
  fromServer,
  parameterStatus,
  rowValues,
  text,
} from "./messages.ts";

/** How a server that is really a PostgreSQL is made to look like another, where clients can tell. */
export interface Accent {
  /** The statement to send in place of the client's. */
  statement(text: string): string;
  /** The message to send in place of the server's answer to a statement. */
  answer(message: Buffer, statement: string): Buffer;
  /** Whether the open transaction, if there is one, is committed before the statement. */
  commitsBefore(statement: string): boolean;
}

/** PostgreSQL as it is. */
export const postgresql: Accent = {
  statement: (statement) => statement,
  answer: (message) => message,
  commitsBefore: () => false,
};

const version = "CockroachDB CCL v25.2.4 (x86_64-pc-linux-gnu, built 2025/07/25 17:35:22, go1.23.7)";

/**
 * What our code can tell CockroachDB 25.2 by:
 * - `version()`, and the parameter `crdb_version` when a connection begins;
 * - errors name neither schema, table, column nor type, only the constraint (`writeErrFields` in its pgwire);
 * - its own words for a cancelled statement;
 * - a schema change commits the open transaction first (`autocommit_before_ddl`, on since v25.1);
 * - advisory locks of sessions are stubs that answer true (cockroachdb/cockroach#13546);
 * - tables have storage parameters for rows that expire.
 */
export const cockroachdb: Accent = {
  statement: (statement) => withoutRowTtl(withoutAdvisoryLocks(statement)),
  answer(message, statement) {
    if (message[0] === fromServer.error || message[0] === fromServer.notice) return withItsWords(message);
    if (message[0] === fromServer.dataRow && /\bversion\s*\(/i.test(statement))
      return withItsVersion(message);
    if (message[0] === fromServer.parameterStatus && text(message, 5) === "server_version")
      return Buffer.concat([message, parameterStatus("crdb_version", version)]);
    return message;
  },
  commitsBefore: (statement) =>
    /^\s*(create|alter|drop|truncate|comment\s+on|grant|revoke)\b/i.test(statement),
};

const cancelTexts = new Map([
  ["canceling statement due to user request", "query execution canceled"],
  ["canceling statement due to statement timeout", "query execution canceled due to statement timeout"],
]);

function withItsWords(message: Buffer): Buffer {
  const fields = errorFields(message);
  for (const unnamed of ["s", "t", "c", "d"]) fields.delete(unnamed);
  const words = fields.get("M") ?? "";
  fields.set("M", cancelTexts.get(words) ?? words);
  return errorResponse(fields, message[0]);
}

function withItsVersion(message: Buffer): Buffer {
  const values = rowValues(message).map((value) =>
    value?.toString().startsWith("PostgreSQL ") ? Buffer.from(version) : value,
  );
  return dataRow(values);
}

/** Storage parameters of row-level TTL as one that PostgreSQL has, at its default. */
function withoutRowTtl(text: string): string {
  return text.replace(/^(\s*alter\s+table\s+\w+\s+set\s*)\(\s*ttl_[^)]*\)/i, "$1(fillfactor = 100)");
}

const advisoryLock = /\bpg_(try_)?advisory_(xact_)?(un)?lock(_shared|_all)?\s*\(/i;

/** Calls of advisory locks as something true of the same arguments, so that parameters keep their places and types. */
function withoutAdvisoryLocks(text: string): string {
  const call = advisoryLock.exec(text);
  if (call === null) return text;
  const start = call.index + call[0].length;
  const end = closingParenthesis(text, start);
  const given = text.slice(start, end).trim();
  const truth = given === "" ? "true" : `(1::int8 in (${given}) or true)`;
  return text.slice(0, call.index) + truth + withoutAdvisoryLocks(text.slice(end + 1));
}

/** Where the parenthesis is closed that was opened before `start`. */
function closingParenthesis(text: string, start: number): number {
  for (let [index, depth] = [start, 1]; index < text.length; index++) {
    if (text[index] === "(") depth += 1;
    if (text[index] === ")") depth -= 1;
    if (depth === 0) return index;
  }
  return text.length;
}
