import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { invalidField } from "../../domain/errors.ts";
import type { UserRecordSchema } from "../../gen/auth/v1/user_transfer_service_pb.ts";

/** What users of other systems have and users here do not: it is counted, not imported. */
export type LeftOut =
  | "attributes"
  | "groups"
  | "roles"
  | "one-time password secrets"
  | "passkeys"
  | "verified flags"
  | "external identities";

/** A row of another system as a row of ImportUsers, or why it is not meant to be a user. */
export type ForeignRow =
  | {
      readonly record: MessageInitShape<typeof UserRecordSchema>;
      readonly leftOut?: Readonly<Partial<Record<LeftOut, number>>>;
    }
  | { readonly skipped: "service accounts" };

export interface ReadOptions {
  /** Whether the other system's attributes come along. Those that are none here are refused, not changed. */
  readonly withAttributes: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** An object of a file. @throws INVALID_REQUEST where it is none */
export function objectAt(value: unknown, what = "the row"): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalidField("INVALID_REQUEST", what, "must be an object");
}

/** An object of a file, or an empty one where there is none. @throws INVALID_REQUEST */
export function optionalObject(value: unknown, what: string): Fields {
  return value === undefined || value === null ? {} : objectAt(value, what);
}

/** A text of a file, empty where it is left out. @throws INVALID_REQUEST where it is something else */
export function textAt(fields: Fields, name: string): string {
  const value = fields[name];
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  throw invalidField("INVALID_REQUEST", name, "must be a text");
}

/** A time of a file: a text that says it, or milliseconds since 1970. @throws INVALID_REQUEST */
export function timeAt(fields: Fields, name: string) {
  const value = fields[name];
  if (value === undefined || value === null || value === "") return undefined;
  const isMs = typeof value === "number" || /^\d+$/.test(String(value));
  const time = new Date(isMs ? Number(value) : String(value));
  if (!Number.isFinite(time.getTime())) throw invalidField("INVALID_REQUEST", name, "must be a time");
  return timestampFromDate(time);
}

/** Attributes of another system: of a list, the first. */
export function attributesOf(value: unknown, { withAttributes }: ReadOptions): Record<string, string> {
  if (!withAttributes) return {};
  const entries = Object.entries(optionalObject(value, "attributes"));
  return Object.fromEntries(entries.map(([name, given]) => [name, asText([given].flat()[0])]));
}

function asText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Who is shut out there is shut out here. */
export function suspensionIf(isShutOut: boolean, reason: string) {
  return isShutOut ? { suspension: { reason } } : {};
}

/**
 * What another system lets people sign in by. Many keep the email in the place of the username, where it is none here; where
 * it is all that there is, it is the email.
 */
export function identifiers(email: string, username: string): { email: string; username: string } {
  if (!username.includes("@")) return { email, username };
  if (email === "" || email.toLowerCase() === username.toLowerCase()) {
    return { email: email || username, username: "" };
  }
  return { email, username };
}

/** A name that is made of parts. */
export function nameOf(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}
