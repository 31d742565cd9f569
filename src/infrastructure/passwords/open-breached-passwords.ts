import type { BreachedPasswords } from "../../domain/credential/breached-passwords.ts";
import type { Secret } from "../../domain/secret.ts";
import { StartError } from "../process/start-error.ts";
import { BreachedPasswordFile } from "./filed-breached-passwords.ts";
import { BreachedPasswordRangeApi } from "./ranged-breached-passwords.ts";

/** The source of breached passwords: a range query, whose URL may contain an API key, or a file. */
export type BreachedPasswordSource = { readonly url: Secret } | { readonly file: string };

const errnoMessages: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  ENOENT: "no such file",
};

/**
 * Opens a source; undefined if there is none.
 * @throws StartError if the file cannot be used
 */
export async function openBreachedPasswords(
  source: BreachedPasswordSource | undefined,
): Promise<(BreachedPasswords & Partial<AsyncDisposable>) | undefined> {
  if (source === undefined) return undefined;
  if ("url" in source) return new BreachedPasswordRangeApi(source.url.reveal());
  try {
    return await BreachedPasswordFile.open(source.file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StartError(
      `cannot use ${source.file} (AUTH_BREACH_CHECK_FILE): ${errnoMessages[code ?? ""] ?? message}`,
      { cause: error },
    );
  }
}
