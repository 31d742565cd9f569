import { createHash } from "node:crypto";

/** The form in which breached passwords are listed everywhere: SHA-1 of the UTF-8 text, 40 upper-case hex digits. */
export function sha1OfPassword(password: string): string {
  return createHash("sha1").update(password, "utf8").digest("hex").toUpperCase();
}
