import type { Secret } from "../secret.ts";

/** Creates device tokens of at least 128 random bits (ASVS 7.2.3). */
export interface DeviceTokens {
  make(): Secret;
  /** The digest that a token is stored as. Accepts any text. */
  digestOf(token: Secret): string;
}
