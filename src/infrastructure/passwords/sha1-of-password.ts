import { createHash } from "node:crypto";

/** How breached passwords are listed everywhere: the SHA-1 of their UTF-8, 40 hex digits in capitals. */
export function sha1OfPassword(password: string): string {
  return createHash("sha1").update(password, "utf8").digest("hex").toUpperCase();
}
