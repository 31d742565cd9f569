import { type Command, command } from "./command.ts";
import { flag } from "./option.ts";
import { counted } from "./text.ts";

export const migrateCommand: Command = command({
  name: "migrate",
  summary: "Makes the migrations that the database lacks",
  details: `Several at once, and instances that start meanwhile, do no harm: one makes them, the others wait. With --check none
is made, and the exit code is 1 where some are missing.`,
  options: { check: flag("only say which are missing") },
  async run({ options: { check } }, { config, signal, note }) {
    const [settings, { migrateDatabase }] = await Promise.all([config(), import("./migrate-database.ts")]);
    const missing = await migrateDatabase({ config: settings, signal, note }, check);
    const steps = counted(missing.length, "migration step");
    if (check) {
      const list = missing.map((id) => `  ${id}\n`).join("");
      const text = missing.length === 0 ? "No migration is missing.\n" : `${steps} missing:\n${list}`;
      return { json: { missing, made: [] }, text, failed: missing.length > 0 };
    }
    const text = missing.length === 0 ? "No migration was missing.\n" : `${steps} made.\n`;
    return { json: { missing: [], made: missing }, text };
  },
});
