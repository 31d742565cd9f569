import type { Command } from "./command.ts";
import { keyCommands } from "./key-commands.ts";
import { migrateCommand } from "./migrate-command.ts";
import { sessionCommands } from "./session-commands.ts";
import { userCommands } from "./user-commands.ts";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  migrateCommand,
  ...userCommands,
  ...sessionCommands,
  ...keyCommands,
];
