/**
 * Makes the place of an event into the opaque cursor that a watcher gets, and back. A cursor is bound to the scope it was
 * made for; nobody can make, read or change one.
 */
export interface EventCursors {
  seal(position: number, scope: string): string;
  /** The place, or undefined where the cursor is not one of ours for this scope. */
  open(cursor: string, scope: string): number | undefined;
}
