import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** One import or re-export of a module. */
export interface Import {
  /** The importing file, from the project's root: "src/main.ts". */
  readonly from: string;
  /** The imported file, from the project's root, or the package: "node:crypto", "slonik", "@grpc/grpc-js". */
  readonly to: string;
  /** Whether it is gone once types are stripped. */
  readonly typeOnly: boolean;
}

const root = join(import.meta.dirname, "../..");
const statement = /^\s*(?:import|export)\s+(?:(type)\s+)?(?:([^"';]*?)\s+from\s+)?"([^"]+)"/gm;
const dynamic = /\bimport\(\s*"([^"]+)"\s*\)/g;

/** Every import of every file under src/. */
export function allImports(): Import[] {
  return globSync("src/**/*.ts", { cwd: root }).flatMap((file) =>
    importsIn(file, readFileSync(join(root, file), "utf8")),
  );
}

/** The imports in a file's source. */
export function importsIn(file: string, source: string): Import[] {
  const found = [...source.matchAll(statement)].map(([, type, names, specifier]) => ({
    from: file,
    to: resolved(file, specifier ?? ""),
    typeOnly: type !== undefined || onlyTypes(names),
  }));
  const deferred = [...source.matchAll(dynamic)].map(([, specifier]) => ({
    from: file,
    to: resolved(file, specifier ?? ""),
    typeOnly: false,
  }));
  return [...found, ...deferred];
}

/** Whether each name between the braces is a type: `{ type A, type B }`. */
function onlyTypes(names: string | undefined): boolean {
  const listed = /^\{([^}]*)\}$/s.exec(names?.trim() ?? "")?.[1];
  const each = listed
    ?.split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  return each !== undefined && each.length > 0 && each.every((name) => name.startsWith("type "));
}

function resolved(file: string, specifier: string): string {
  if (specifier.startsWith(".")) return relative(root, join(root, dirname(file), specifier));
  const [scope, name] = specifier.split("/");
  return scope?.startsWith("@") ? `${scope}/${name}` : (scope ?? "");
}
