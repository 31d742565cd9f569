/** What was typed is no command. The message holds nothing that may be a secret typed in the wrong place. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
