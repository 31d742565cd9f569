/** The command line is not valid. The message never contains text that could be a misplaced secret. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
