import type { Secret } from "../secret.ts";

/** Makes device tokens of at least 128 random bits (ASVS 7.2.3). */
export interface DeviceTokens {
  make(): Secret;
  /** The digest under which a token is stored. Of any text. */
  digestOf(token: Secret): string;
}
