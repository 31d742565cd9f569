import { describe, expect, test } from "vitest";
import { allImports, type Import, importsIn } from "./support/imports.ts";

/**
 * Who may import whom: ARCHITECTURE.md, sentence by sentence. A rule looks at one import and says whether it breaks it.
 */
interface Rule {
  readonly says: string;
  readonly isBrokenBy: (edge: Import) => boolean;
  /** An import that breaks it, so that no rule is one that cannot be broken. */
  readonly example: Import;
}

const isFile = (path: string) => path.startsWith("src/");
const under = (folder: string) => (path: string) => path.startsWith(`src/${folder}/`);
const domain = under("domain");
const gen = under("gen");
const infrastructure = under("infrastructure");
const rpc = under("interfaces/rpc");
const doors = (path: string) => rpc(path) || under("interfaces/http")(path);
const ports = (path: string) => /^src\/interfaces\/relationaldb\/[^/]+$/.test(path);
const adapter = under("interfaces/relationaldb/cockroachdb");
const cli = (path: string) => path === "src/cli.ts" || under("cli")(path);
const compositionRoot = (path: string) =>
  ["src/main.ts", "src/service.ts", "src/services.ts", "src/policy.ts"].includes(path) || cli(path);
const db = under("infrastructure/db");

const edge = (from: string, to: string, typeOnly = false): Import => ({ from, to, typeOnly });

const rules: Rule[] = [
  {
    says: "the domain imports the domain, and the ports as types: no package, no Node module, no generated code",
    isBrokenBy: ({ from, to, typeOnly }) => domain(from) && !domain(to) && !(ports(to) && typeOnly),
    example: edge("src/domain/user/user.ts", "node:crypto"),
  },
  {
    says: "a port imports types of the domain and of other ports, and nothing else",
    isBrokenBy: ({ from, to, typeOnly }) => ports(from) && !(typeOnly && (domain(to) || ports(to))),
    example: edge("src/interfaces/relationaldb/user-repository.ts", "src/domain/user/user.ts"),
  },
  {
    says: "the doors toward callers know the domain and generated code: no adapter, no port, no infrastructure",
    isBrokenBy: ({ from, to }) => doors(from) && isFile(to) && !domain(to) && !gen(to) && !doors(to),
    example: edge("src/interfaces/rpc/routes.ts", "src/infrastructure/process/logger.ts", true),
  },
  {
    says: "the adapter knows the domain, its port, and infrastructure/db: nothing else of ours",
    isBrokenBy: ({ from, to, typeOnly }) =>
      adapter(from) && isFile(to) && !domain(to) && !adapter(to) && !db(to) && !(ports(to) && typeOnly),
    example: edge("src/interfaces/relationaldb/cockroachdb/errors.ts", "src/gen/auth/v1/user_pb.ts", true),
  },
  {
    says: "infrastructure knows the domain and the ports as types, but for the domain's errors and secrets, and no door",
    isBrokenBy: ({ from, to, typeOnly }) =>
      infrastructure(from) &&
      isFile(to) &&
      !infrastructure(to) &&
      !gen(to) &&
      !(typeOnly && (domain(to) || ports(to))) &&
      !["src/domain/errors.ts", "src/domain/secret.ts"].includes(to),
    example: edge("src/infrastructure/process/readiness.ts", "src/interfaces/rpc/errors.ts", true),
  },
  {
    says: "slonik and pg appear in the adapter and in infrastructure/db only",
    isBrokenBy: ({ from, to }) => /^(@?slonik|pg)\b/.test(to) && !adapter(from) && !db(from),
    example: edge("src/service.ts", "slonik", true),
  },
  {
    says: "@connectrpc and @grpc appear in interfaces/rpc, infrastructure/grpc and infrastructure/http only",
    isBrokenBy: ({ from, to }) =>
      /^(@connectrpc|@grpc|grpc-)/.test(to) &&
      !rpc(from) &&
      !under("infrastructure/grpc")(from) &&
      !under("infrastructure/http")(from),
    example: edge("src/infrastructure/db/cockroach.ts", "@connectrpc/connect"),
  },
  {
    says: "generated code is used at the doors, by the listeners and on the command line only",
    isBrokenBy: ({ from, to }) =>
      gen(to) && !gen(from) && !rpc(from) && !under("infrastructure/grpc")(from) && !cli(from),
    example: edge("src/main.ts", "src/gen/auth/v1/user_pb.ts"),
  },
  {
    says: "the row schemas of zod stay in infrastructure/db and the settings",
    isBrokenBy: ({ from, to }) => to === "zod" && !db(from) && from !== "src/config/settings.ts",
    example: edge("src/interfaces/rpc/routes.ts", "zod"),
  },
  {
    says: "nobody imports the composition root but itself",
    isBrokenBy: ({ from, to }) => compositionRoot(to) && !compositionRoot(from),
    example: edge("src/config/config.ts", "src/main.ts"),
  },
  {
    says: "the service and the command line share the services that they are made of and the policy, and nothing of each other",
    isBrokenBy: ({ from, to }) =>
      !["src/services.ts", "src/policy.ts"].includes(to) &&
      compositionRoot(to) &&
      compositionRoot(from) &&
      cli(from) !== cli(to),
    example: edge("src/service.ts", "src/cli/text.ts"),
  },
];

const imports = allImports();

describe("who may import whom", () => {
  test.each(rules)("$says", ({ isBrokenBy, example }) => {
    expect(isBrokenBy(example)).toBe(true);
    expect(imports.filter(isBrokenBy).map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("there are no cycles at run time", () => {
    expect(cycles(imports)).toEqual([]);
    expect(cycles([edge("a", "b"), edge("b", "c"), edge("c", "a"), edge("b", "a", true)])).toHaveLength(1);
    expect(cycles([edge("a", "b"), edge("b", "a", true)])).toEqual([]);
  });

  test("the imports that are looked at are the ones that are there", () => {
    expect(imports.length).toBeGreaterThan(200);
    const source = `
import type { A } from "./a.ts";
import { b, type B } from "../b/b.ts";
import { type C, type D } from "@scope/c/deep";
import * as e from "node:e";
import "side-effect";
export { f } from "./f.ts";
export type { G } from "./g.ts";
import {
  h,
  type H,
} from "slonik";
const i = await import("./i.ts");
`;
    expect(importsIn("src/x/x.ts", source).map(({ to, typeOnly }) => [to, typeOnly])).toEqual([
      ["src/x/a.ts", true],
      ["src/b/b.ts", false],
      ["@scope/c", true],
      ["node:e", false],
      ["side-effect", false],
      ["src/x/f.ts", false],
      ["src/x/g.ts", true],
      ["slonik", false],
      ["src/x/i.ts", false],
    ]);
  });
});

/** The cycles among imports that are there at run time, each from the file that comes first in the alphabet. */
function cycles(edges: readonly Import[]): string[][] {
  const next = Map.groupBy(
    edges.filter(({ typeOnly }) => !typeOnly),
    ({ from }) => from,
  );
  const found = new Map<string, string[]>();
  const done = new Set<string>();
  const visit = (file: string, path: string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) {
      const cycle = path.slice(start);
      found.set([...cycle].sort().join(), cycle);
      return;
    }
    if (done.has(file)) return;
    for (const { to } of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of [...next.keys()].sort()) visit(file, []);
  return [...found.values()];
}
