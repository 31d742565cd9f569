/** Prints a figure that a test has measured, for those who keep them (RELIABILITY.md). */
export function figure(what: string, values: Readonly<Record<string, number | string>>): void {
  const text = Object.entries(values).map(([name, value]) => `${name}: ${value}`);
  process.stdout.write(`figure: ${what}: ${text.join("; ")}\n`);
}
