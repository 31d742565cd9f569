import { describe, expect, test } from "vitest";
import { compare, distanceOf, quantile, seeded } from "./statistics.ts";

/** Times as a service has them: 20 ms, and jitter that only adds. */
function times(random: () => number, count: number, jitterMs: number, moreMs = 0): number[] {
  return Array.from({ length: count }, () => 20 + moreMs - jitterMs * Math.log(1 - random()));
}

describe("two classes", () => {
  test("of the same times are equivalent, again and again", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = seeded(seed);
      expect(compare(times(random, 1_000, 1.5), times(random, 1_000, 1.5), random).verdict).toBe(
        "equivalent",
      );
    }
  });

  test.each([1.5, -1.5, 15])("that differ by %f ms are different", (moreMs) => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = seeded(seed);
      const { verdict, t } = compare(times(random, 1_000, 1.5), times(random, 1_000, 1.5, moreMs), random);
      expect(verdict).toBe("different");
      expect(Math.sign(t)).toBe(Math.sign(moreMs));
    }
  });

  test("are never equivalent where the noise hides what is looked for, or the samples are few", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = seeded(seed);
      expect(compare(times(random, 300, 20), times(random, 300, 20), random).verdict).toBe("inconclusive");
      expect(compare(times(random, 20, 1.5), times(random, 20, 1.5), random).verdict).toBe("inconclusive");
    }
  });

  test("need as many samples as the power says", () => {
    const random = seeded(1);
    // 1,218 for 1 ms at 5 ms of deviation, α 10⁻³, power 95 %.
    const { sigma, needed } = compare(times(random, 2_000, 5), times(random, 2_000, 5), random);
    expect(needed).toBeGreaterThan(1_210 * (sigma / 5) ** 2);
    expect(needed).toBeLessThan(1_226 * (sigma / 5) ** 2);
  });
});

test("the distance of two mixtures is that of their shares", () => {
  const random = seeded(7);
  const mixture = (share: number) =>
    Array.from({ length: 1_000 }, () => (random() < share ? 60 : 20) + random());
  const same = distanceOf(mixture(0.5), mixture(0.5));
  expect(same.distance).toBeLessThan(same.byChance);
  const { distance, byChance } = distanceOf(mixture(0.5), mixture(0.2));
  expect(distance).toBeGreaterThan(0.25);
  expect(distance).toBeLessThan(0.35);
  expect(distance).toBeGreaterThan(byChance);
});

test("quantiles lie between values", () => {
  expect([0, 0.25, 0.5, 1].map((p) => quantile([1, 2, 3, 5], p))).toEqual([1, 1.75, 2.5, 5]);
});
