import { availableParallelism } from "node:os";
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
          // One per core, where the default leaves a core idle: the tests wait for processes and sockets most of the time.
          maxWorkers: availableParallelism(),
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
