/** The service cannot start, for a known reason. Operators see the message without a stack trace. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}
