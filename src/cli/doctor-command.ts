import { styleText } from "node:util";
import type { Config } from "../config/config.ts";
import { type Answer, type Command, type CommandContext, command } from "./command.ts";
import type { Checked } from "./doctor/finding.ts";
import { wholeNumber } from "./option.ts";
import { columns, escapeControls, plural } from "./text.ts";

export const doctorCommand: Command = command({
  name: "doctor",
  summary: "Checks whether the service can run here, and suggests fixes",
  details: `Checks the configuration, data folder, disk, wrapping key, TLS files, policy, addresses, database, writes, migrations,
the rights of the role (and prints the GRANTs to run), free connections, round-trip time, clock, collation, secrets,
signing keys and callers. It changes nothing. The exit code is 1 if a check failed; a warning is not a failure.`,
  options: { replicas: wholeNumber("N", "replicas that share the database; 1 by default") },
  async run({ options: { replicas = 1 } }, context) {
    const checked = await examined(context, replicas);
    return answerOf(checked, context.colours);
  },
});

async function examined({ config, signal, note }: CommandContext, replicas: number): Promise<Checked[]> {
  const { ConfigError } = await import("../config/config.ts");
  let settings: Config;
  try {
    settings = await config();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Without a valid configuration, nothing else can be checked.
    return error.faults.map((fault) => ({ check: "configuration", outcome: "failed", says: `${fault}.` }));
  }
  const { examine } = await import("./doctor/examine.ts");
  const good: Checked = { check: "configuration", outcome: "ok", says: "All settings are valid." };
  return [good, ...(await examine({ config: settings, signal, note, replicas }))];
}

const colours = { ok: "green", warning: "yellow", failed: "red" } as const;

function answerOf(checked: readonly Checked[], coloured: boolean): Answer {
  const count = (wanted: Checked["outcome"]) => checked.filter(({ outcome }) => outcome === wanted).length;
  const [failures, warnings] = [count("failed"), count("warning")];
  const rows = checked.map(({ outcome, check, says }) => [
    coloured ? styleText(colours[outcome], outcome, { validateStream: false }) : outcome,
    check,
    escapeControls(says.replaceAll(/\n\s*/g, " ")),
  ]);
  const sum =
    failures + warnings === 0
      ? "No problems found."
      : `${plural(failures, "failure")}, ${plural(warnings, "warning")}.`;
  return {
    json: {
      ok: failures === 0,
      checks: checked.map(({ check, outcome, says }) => ({ check, outcome, says })),
    },
    text: `${columns(rows)}\n${sum}\n`,
    failed: failures > 0,
  };
}
