import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const linesOf = (file: string) =>
  readFileSync(join(root, file), "utf8")
    .split("\n")
    .map((line) => ({ file, line: line.trim() }));

describe("pinned dependencies", () => {
  test("every action of a workflow is pinned by its commit, with its version beside it", () => {
    const uses = globSync(".github/workflows/*.yml", { cwd: root })
      .flatMap(linesOf)
      .filter(({ line }) => /^(- )?uses:/.test(line));
    expect(uses.length).toBeGreaterThan(3);
    expect(uses.filter(({ line }) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual(
      [],
    );
  });

  test("every image is pinned by its digest", () => {
    const files = ["Dockerfile", "compose.yaml", ...globSync(".github/workflows/*.yml", { cwd: root })];
    const images = files
      .flatMap(linesOf)
      .flatMap(({ line }) => /^(?:FROM|image:) ?(\S+)/.exec(line)?.[1] ?? [])
      // A job of a matrix names the image of its row.
      .filter((image) => image !== "${{");
    expect(images.length).toBeGreaterThan(8);
    expect(images.filter((image) => !/^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/.test(image))).toEqual([]);
    const workflows = files
      .flatMap(linesOf)
      .filter(({ line }) => /\b(postgres|cockroachdb\/cockroach):(?!\S*@sha256:)\w/.test(line));
    expect(workflows).toEqual([]);
  });

  test("every package of the lockfile has a checksum", () => {
    const lock: { packages: Record<string, { integrity?: string; link?: boolean }> } = JSON.parse(
      readFileSync(join(root, "package-lock.json"), "utf8"),
    );
    const packages = Object.entries(lock.packages).filter(([path, { link }]) => path !== "" && !link);
    expect(packages.length).toBeGreaterThan(100);
    expect(
      packages.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path),
    ).toEqual([]);
  });
});
