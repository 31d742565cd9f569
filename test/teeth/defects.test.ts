import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { defects } from "./defects.ts";

const textOf = (path: string) => readFileSync(join(import.meta.dirname, "../..", path), "utf8");

// `npm run test:teeth` takes long and is run now and then: what a change of the sources leaves behind is to be seen at once.
test.each(defects.map(({ name, ...defect }) => [name, defect] as const))(
  "%s: has exactly one place in its file, and a test that is there",
  (_name, { file, find, test: guard }) => {
    expect(textOf(file).split(find)).toHaveLength(2);
    expect(textOf(guard)).not.toBe("");
  },
);
