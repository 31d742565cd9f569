import type { Session } from "../domain/session/session.ts";
import type { User } from "../domain/user/user.ts";
import { columns, escapeControls, formatTime } from "./text.ts";

/** Formats one user, with one field per line. Empty fields are omitted. */
export function userText(user: User): string {
  const { suspension, state } = user;
  const attributes = Object.entries(user.attributes).map(([key, value]) => `${key}=${value}`);
  return columns(
    [
      ["id", user.id],
      ["email", user.email?.value ?? ""],
      ["username", user.username?.value ?? ""],
      ["name", user.displayName],
      ["attributes", attributes.join(" ")],
      ["state", state],
      ...(suspension !== undefined && state === "suspended"
        ? [
            ["reason", suspension.reason],
            ["suspended", formatTime(suspension.startTime)],
            ["until", suspension.untilTime === undefined ? "unsuspended" : formatTime(suspension.untilTime)],
          ]
        : []),
      ["created", formatTime(user.createTime)],
      ["changed", formatTime(user.updateTime)],
      ["deleted", user.deleteTime === undefined ? "" : formatTime(user.deleteTime)],
      ["etag", user.etag],
    ]
      .filter(([, value]) => value !== "")
      .map(([name = "", value = ""]) => [name, escapeControls(value)]),
  );
}

/** Formats users as a table, one per line. */
export function userTable(users: readonly User[]): string {
  return table(
    ["ID", "EMAIL", "USERNAME", "NAME", "STATE", "CREATED"],
    users.map(({ id, email, username, displayName, state, createTime }) => [
      id,
      email?.value ?? "-",
      username?.value ?? "-",
      displayName || "-",
      state,
      formatTime(createTime),
    ]),
  );
}

/** Formats sessions as a table, one per line. */
export function sessionTable(sessions: readonly Session[]): string {
  return table(
    ["ID", "STATE", "CLIENT", "ADDRESS", "AUDIENCE", "BEGAN", "REFRESHED", "ENDS", "WHY"],
    sessions.map(({ client, ...session }) => [
      session.id,
      session.state,
      client.displayName || client.id,
      client.ipAddress || "-",
      session.audience,
      formatTime(session.createTime),
      formatTime(session.refreshTime),
      formatTime(session.endTime ?? session.idleExpireTime),
      session.endReason ?? "-",
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return columns([head, ...rows.map((row) => row.map(escapeControls))]);
}
