import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { join } from "node:path";
import type { Figure } from "./figure.ts";

const measuredWith = ["@grpc/grpc-js", "@connectrpc/connect-node", "slonik", "pg", "@node-rs/argon2"];

function metText(met: boolean | undefined): string {
  if (met === undefined) return "–";
  return met ? "yes" : "**no**";
}

/**
 * The figures as docs/benchmarks.md keeps them: with date, versions and cores.
 * @param before what the file says: figures that were not measured now keep their rows, and their dates
 */
export function report(figures: readonly Figure[], before: string): string {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
  const versions = measuredWith.map((name) => `${name} ${dependencies[name]}`).join(", ");
  const today = new Date().toISOString().slice(0, 10);
  const measured = new Map(
    figures.map(({ name, value, bar, met, detail }) => [
      name,
      `| ${name} | ${value} | ${bar} | ${metText(met)} | ${today} | ${detail} |`,
    ]),
  );
  const kept = before.split("\n").flatMap((line) => {
    const [, name] = /^\| (.+?) \| .* \| \d{4}-\d\d-\d\d \|/.exec(line) ?? [];
    return name === undefined || measured.has(name) ? [] : [line];
  });
  const rows = [...kept, ...measured.values()];
  return `# Benchmarks

Written by \`npm run bench -- --write\`; do not edit. Every figure is a ratio of two things measured in the same run, in
turns, or has the bar of the issue that asked for it. The machine is shared, so absolute numbers mean little from one run to the next.

- last run: ${today}
- cores: ${availableParallelism()} × ${cpus()[0]?.model.trim()}; load at the end: ${loadavg()[0]?.toFixed(1)}
- Node ${process.versions.node}, PostgreSQL 18 (embedded), ${versions}

| figure | value | bar | met | date | made of |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

How each is measured is said in \`test/bench\`, in the file of its name. The load comes from a process of its own that sends
prepared bytes (\`http2-pump.ts\`), so that it takes little of the cores that are measured.
`;
}
