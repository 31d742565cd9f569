/**
 * Seals the position of an event into the opaque cursor that a watcher receives, and opens it again. A cursor is bound
 * to the scope that it was sealed for. Callers cannot forge, read or change one.
 */
export interface EventCursors {
  seal(position: number, scope: string): string;
  /** The position, or undefined if this service did not issue the cursor for this scope. */
  open(cursor: string, scope: string): number | undefined;
}
