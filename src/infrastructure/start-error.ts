/** The service cannot start, for a reason that a sentence can say: people see the sentence and no stack. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}
