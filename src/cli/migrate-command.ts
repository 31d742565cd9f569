import { type Command, command } from "./command.ts";
import { flag } from "./option.ts";
import { plural } from "./text.ts";

export const migrateCommand: Command = command({
  name: "migrate",
  summary: "Applies missing database migrations",
  details: `Safe to run concurrently: one process migrates, the others wait. --check applies nothing; the exit code is 1 if
migrations are missing.`,
  options: { check: flag("only lists missing migrations") },
  async run({ options: { check } }, { config, signal, note }) {
    const [settings, { migrateDatabase }] = await Promise.all([config(), import("./migrate-database.ts")]);
    const missing = await migrateDatabase({ config: settings, signal, note }, check);
    const steps = plural(missing.length, "migration step");
    if (check) {
      const list = missing.map((id) => `  ${id}\n`).join("");
      const text = missing.length === 0 ? "No migration is missing.\n" : `${steps} missing:\n${list}`;
      return { json: { missing, made: [] }, text, failed: missing.length > 0 };
    }
    const text = missing.length === 0 ? "No migration was missing.\n" : `Applied ${steps}.\n`;
    return { json: { missing: [], made: missing }, text };
  },
});
