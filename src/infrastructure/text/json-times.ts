import type { DescMessage } from "@bufbuild/protobuf";
import { parseDateTime } from "./rfc3339.ts";

const timestamp = "google.protobuf.Timestamp";

/**
 * The path of the first google.protobuf.Timestamp in a ProtoJSON message that is not a valid RFC 3339 time, or
 * undefined. protobuf-es reads 31 February as 3 March, and 24:00 as the next day.
 */
export function findImpossibleTime(schema: DescMessage, json: unknown, within = ""): string | undefined {
  if (typeof json !== "object" || json === null || !holdsTimes(schema)) return undefined;
  for (const [key, value] of Object.entries(json)) {
    const field = schema.fields.find(({ name, jsonName }) => key === name || key === jsonName);
    if (field?.message === undefined || value === null) continue;
    const { message, fieldKind, name } = field;
    // Items of a list, values of a map, or the value itself.
    for (const part of fieldKind === "message" ? [value] : Object.values(value)) {
      const isSound =
        message.typeName !== timestamp || (typeof part === "string" && parseDateTime(part) !== undefined);
      const found = isSound ? findImpossibleTime(message, part, `${within}${name}.`) : within + name;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

const known = new Map<DescMessage, boolean>();

/** Whether a message type contains a Timestamp at any depth. Most requests do not, and are not searched. */
export function holdsTimes(schema: DescMessage): boolean {
  const found = known.get(schema);
  if (found !== undefined) return found;
  // Ends the recursion: Struct, Value and ListValue contain each other, and no Timestamps.
  known.set(schema, false);
  const holds = schema.fields.some(
    ({ message }) => message !== undefined && (message.typeName === timestamp || holdsTimes(message)),
  );
  known.set(schema, holds);
  return holds;
}
