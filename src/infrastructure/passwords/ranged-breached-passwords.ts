import type { Call } from "../../domain/call.ts";
import type { BreachedPasswords } from "../../domain/credential/breached-passwords.ts";
import { sha1OfPassword } from "./sha1-of-password.ts";

const prefixDigits = 5;
/** A padded HIBP range has about 50 KB. */
const maxBytes = 1 << 20;
const defaultTimeoutMs = 2_000;
/** The other 35 digits and the number of occurrences, which is 0 in padding lines. */
const line = /^([0-9A-F]{35}):(\d{1,10})$/i;

/**
 * Breached passwords from a range query like that of Have I Been Pwned. Only the first 5 digits of a password's SHA-1
 * leave the service, so the server cannot tell the password from hundreds of others; padding keeps the response
 * length from revealing more. Redirects are not followed, responses are limited to 1 MiB, and a query to two seconds.
 */
export class BreachedPasswordRangeApi implements BreachedPasswords {
  readonly #baseUrl: string;
  readonly #timeoutMs: number;

  /** @param baseUrl without a trailing slash */
  constructor(baseUrl: string, timeoutMs = defaultTimeoutMs) {
    this.#baseUrl = baseUrl;
    this.#timeoutMs = timeoutMs;
  }

  async has(call: Call, password: string): Promise<boolean> {
    const digest = sha1OfPassword(password);
    const rest = digest.slice(prefixDigits);
    const range = await this.#range(call, digest.slice(0, prefixDigits));
    let found = false;
    for (const text of range.split(/\r?\n/)) {
      if (text === "") continue;
      const [, suffix = "", count] = line.exec(text) ?? [];
      if (suffix === "") throw new Error("the breach check returned something other than a range");
      found ||= suffix.toUpperCase() === rest && Number(count) > 0;
    }
    return found;
  }

  async #range(call: Call, prefix: string): Promise<string> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await fetch(`${this.#baseUrl}/range/${prefix}`, {
        headers: { "Add-Padding": "true", "User-Agent": "auth", Accept: "text/plain" },
        redirect: "manual",
        signal: AbortSignal.any([call.signal, timeout]),
      });
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new Error(`the breach check returned status ${response.status}`);
      }
      return await textOf(response);
    } catch (error) {
      // The error must not contain the URL, whose last part is from the password's digest.
      if (timeout.aborted) throw new Error(`the breach check timed out after ${this.#timeoutMs} ms`);
      throw error;
    }
  }
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    // Leaving the loop cancels the body.
    if (bytes > maxBytes) throw new Error(`the breach check returned more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("latin1");
}
