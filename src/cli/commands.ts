import type { Command } from "./command.ts";
import { doctorCommand } from "./doctor-command.ts";
import { keyCommands } from "./key-commands.ts";
import { migrateCommand } from "./migrate-command.ts";
import { serviceAccountCommands } from "./service-account-commands.ts";
import { sessionCommands } from "./session-commands.ts";
import { transferCommands } from "./transfer-commands.ts";
import { userCommands } from "./user-commands.ts";

/** Every command, in the order of the help. To add a group, add a file and one line here. */
export const commands: readonly Command[] = [
  migrateCommand,
  doctorCommand,
  ...userCommands,
  ...sessionCommands,
  ...transferCommands,
  ...keyCommands,
  ...serviceAccountCommands,
];
