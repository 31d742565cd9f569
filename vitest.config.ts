import { defineConfig } from "vitest/config";

/** What loads the machine on purpose, or measures how long something takes: alone, after all others. */
const heavy = ["clients", "events", "faults", "fuzz", "guessing", "hostile", "outage", "sql", "tokens"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

const timeouts = { testTimeout: 30_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    globalSetup: ["test/support/postgres.ts"],
    projects: [
      {
        test: {
          ...timeouts,
          name: "all",
          include: ["test/**/*.test.ts"],
          exclude: heavy,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...timeouts,
          name: "heavy",
          include: heavy,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
