import { invalidField } from "../errors.ts";
import { type Canonical, maxRawLength } from "./canonical.ts";
import { findLookAlike } from "./look-alikes.ts";
import { usernameCaseMapped } from "./precis.ts";

/** A username: `value` as entered, which is displayed, and `key`, which is compared and unique. */
export interface Username {
  readonly value: string;
  readonly key: string;
}

const maxCodePoints = 64;
const wrongLength = { fault: `must be 1 to ${maxCodePoints} characters` };

/**
 * Parses a username. Its key is RFC 8265 UsernameCaseMapped, 1 to 64 code points, without "@" (that would make it an
 * email) and not confusable with another name.
 * @throws USERNAME_INVALID about `field`, a path as in the API
 */
export function parseUsername(raw: string, field: string): Username {
  const canonical = canonicaliseUsername(raw);
  if ("fault" in canonical) throw invalidField("USERNAME_INVALID", field, canonical.fault);
  return { value: raw, key: canonical.key };
}

/** The key of a username, or why there is none. Never throws. */
export function canonicaliseUsername(raw: string): Canonical {
  if (raw === "" || raw.length > maxRawLength) return wrongLength;
  const key = usernameCaseMapped(raw);
  if (key === undefined)
    return { fault: "must consist of letters, digits and ASCII punctuation in one writing direction" };
  if ([...key].length > maxCodePoints) return wrongLength;
  if (key.includes("@")) return { fault: "must not contain '@'" };
  const fault = findLookAlike(key);
  return fault === undefined ? { key } : { fault };
}
