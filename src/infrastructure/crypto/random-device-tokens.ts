import { hash, randomBytes } from "node:crypto";
import { Secret } from "../../domain/secret.ts";
import type { DeviceTokens } from "../../domain/throttle/device-tokens.ts";

/**
 * Device tokens: `auth_dt_` and 256 random bits in base64url. Stored is the SHA-256 of the whole text, without a key,
 * because 256 random bits cannot be guessed (ASVS 6.5.2).
 */
export class RandomDeviceTokens implements DeviceTokens {
  make(): Secret {
    return new Secret(`auth_dt_${randomBytes(32).toString("base64url")}`);
  }

  digestOf(token: Secret): string {
    return hash("sha256", token.reveal(), "base64url");
  }
}
