import { readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { EmbeddedPostgresError, systemErrorCode } from "./embedded-postgres-error.ts";

/** PostgreSQL's programs: absolute paths and their version. */
export interface Binaries {
  /** Contains bin, lib and share. */
  readonly folder: string;
  readonly initdb: string;
  readonly postgres: string;
  /** "18" */
  readonly major: string;
  /** Version of the npm package: "18.4.0-beta.17". */
  readonly version: string;
}

/** Describes the programs in a folder. */
export function programsIn(folder: string, version: string): Binaries {
  const program = (name: string) => join(folder, "bin", name);
  return {
    folder,
    initdb: program("initdb"),
    postgres: program("postgres"),
    major: version.split(".", 1)[0]!,
    version,
  };
}

/**
 * Finds the programs of the optional dependency `@embedded-postgres/<platform>` and makes them runnable.
 *
 * @param platform Node's platform and architecture, as in "linux-x64"
 * @throws EmbeddedPostgresError if no package is installed for the platform, or its links cannot be created
 */
export async function findBinaries(platform = `${process.platform}-${process.arch}`): Promise<Binaries> {
  const root = packageFolder(`@embedded-postgres/${platform}`);
  if (root === undefined) {
    throw new EmbeddedPostgresError(
      `no embedded database for this platform or installation (${platform}); set DATABASE_URL to a PostgreSQL or CockroachDB database`,
    );
  }
  await restoreLibraryLinks(root);
  const manifest: { version: string } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  return programsIn(join(root, "native"), manifest.version);
}

function packageFolder(name: string): string | undefined {
  try {
    // The package exports only its entry point, dist/index.js.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (error) {
    if (systemErrorCode(error) === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * Recreates the links between the shared libraries of a package. npm archives cannot contain symbolic links, and the
 * install script that would recreate them is not run here. Several processes may do this at once.
 *
 * @param root the package's folder, which contains native/pg-symlinks.json
 * @throws EmbeddedPostgresError if a link cannot be created
 */
export async function restoreLibraryLinks(root: string): Promise<void> {
  const list = await readFile(join(root, "native", "pg-symlinks.json"), "utf8");
  const links: { source: string; target: string }[] = JSON.parse(list);
  await Promise.all(
    links.map(({ source, target }) =>
      symlink(relative(dirname(target), source), join(root, target)).catch((error: unknown) => {
        // The kernel reports EEXIST before read-only or forbidden: an existing link needs no right to write.
        if (systemErrorCode(error) === "EEXIST") return;
        throw new EmbeddedPostgresError(
          `cannot create the symbolic links that the embedded PostgreSQL needs in ${dirname(join(root, target))} (${systemErrorCode(error)}); start auth once as the owner of that folder, or set DATABASE_URL`,
          { cause: error },
        );
      }),
    ),
  );
}
