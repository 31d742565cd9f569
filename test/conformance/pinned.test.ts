import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const linesOf = (file: string) =>
  readFileSync(join(root, file), "utf8")
    .split("\n")
    .map((line) => ({ file, line: line.trim() }));

/**
 * Images by a tag that moves. Each is a test's or a developer's database; none is in what is deployed. The releases of the
 * workflow are to be the newest patches, so that a defect of a new one shows.
 */
const unpinnedImages = new Set([
  "cockroachdb/cockroach:v25.2.6",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a workflow's own
  "cockroachdb/cockroach:latest-${{ matrix.release }}",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a workflow's own
  "postgres:${{ matrix.release }}",
]);

describe("what is fetched by name is what was looked at", () => {
  test("every action of a workflow is pinned by its commit, with its version beside it", () => {
    const uses = globSync(".github/workflows/*.yml", { cwd: root })
      .flatMap(linesOf)
      .filter(({ line }) => /^(- )?uses:/.test(line));
    expect(uses.length).toBeGreaterThan(3);
    expect(uses.filter(({ line }) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual(
      [],
    );
  });

  test("every image is pinned by its digest, or is a test's database", () => {
    const files = ["Dockerfile", "compose.yaml", ...globSync(".github/workflows/*.yml", { cwd: root })];
    const images = files.flatMap(linesOf).flatMap(({ line }) => {
      const named =
        /^(?:FROM|image:) ?(\S+(?: \S+ \}\})?)/.exec(line) ?? /^(cockroachdb\/.+?) start/.exec(line);
      return named?.[1] === undefined ? [] : [named[1]];
    });
    expect(images.length).toBeGreaterThan(4);
    const pinned = images.filter((image) => /@sha256:[0-9a-f]{64}$/.test(image));
    expect(pinned).toHaveLength(2);
    expect(new Set(images.filter((image) => !pinned.includes(image)))).toEqual(unpinnedImages);
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
