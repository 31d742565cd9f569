import { describe, expect, test } from "vitest";
import { type Progress, ProgressDisplay } from "../../src/cli/progress.ts";

/** What is written when each progress is shown after so many milliseconds. */
function written(columns: number | undefined, shown: readonly (readonly [ms: number, progress: Progress])[]) {
  const texts: string[] = [];
  let clock = 1_000;
  const display = new ProgressDisplay({ write: (text) => texts.push(text), columns, now: () => clock });
  for (const [ms, progress] of shown) {
    clock = 1_000 + ms;
    display.show(progress);
  }
  display.clear();
  return texts;
}

const users = (count: number, part?: number): Progress => ({ count, noun: "user", part });

describe("the progress of a command", () => {
  test("is a bar with rate and time left on a terminal, redrawn five times a second at most", () => {
    expect(
      written(100, [
        [100, users(500, 0.01)],
        [1_000, users(5_000, 0.25)],
        [1_150, users(5_500, 0.3)],
        [100_000, users(400_000, 0.5)],
        [7_200_000, users(900_000, 0.4)],
      ]),
    ).toEqual([
      "\r\u001b[K█████░░░░░░░░░░░░░░░ 5,000 users, 25 %, 5,000/s, 3 s left",
      "\r\u001b[K██████████░░░░░░░░░░ 400,000 users, 50 %, 4,000/s, 2 min left",
      "\r\u001b[K████████░░░░░░░░░░░░ 900,000 users, 40 %, 125/s, 3 h left",
      "\r\u001b[K",
    ]);
  });

  test("leaves no control characters if it was never shown", () => {
    expect(written(100, [[100, users(500)]])).toEqual([]);
  });

  test("does not wrap on a narrow terminal", () => {
    expect(written(30, [[1_000, users(5_000, 0.25)]])[0]).toBe("\r\u001b[K█████░░░░░░░░░░░░░░░ 5,000 us");
  });

  test("is a plain line every ten seconds elsewhere", () => {
    expect(
      written(undefined, [
        [9_000, users(500, 0.1)],
        [10_000, users(1_000, 0.2)],
        [19_000, users(1_500, 0.3)],
        [20_000, users(1, undefined)],
      ]),
    ).toEqual(["1,000 users, 20 %, 100/s, 40 s left\n", "1 user, 0/s\n"]);
  });

  test("has no bar and no time left if the size of the whole is not known", () => {
    expect(written(100, [[1_000, users(5_000)]])[0]).toBe("\r\u001b[K5,000 users, 5,000/s");
  });
});
