import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/** Who PostgreSQL's processes run as, and how a command is run as this user. */
export interface ProcessOwner {
  readonly user: User;
  /** The one capability that the user is given, where it would not get there without. */
  readonly capability?: string;
  /** What goes before the command. */
  readonly prefix: readonly string[];
  /** Node's options for spawning it; empty where the user is our own or the prefix changes it. */
  readonly identity: { readonly uid?: number; readonly gid?: number };
}

export interface Surroundings {
  /** Folder that holds, or will hold, the cluster. */
  readonly dataDir: string;
  /** Path of the server's program. */
  readonly postgres: string;
  /** Whom the cluster belongs to, if there is one. */
  readonly clusterOwner: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * Decides who PostgreSQL runs as. That is ourselves, unless we are root, as whom PostgreSQL refuses to run: then it is
 * the owner of the existing cluster, or else `postgres`, or else `nobody`. This user often cannot enter the folder of
 * a checkout that belongs to root (/root, 0700); it is then given the one capability that gets it there.
 *
 * @throws EmbeddedPostgresError that names the folder in the way, when nothing gets it there.
 */
export async function chooseProcessOwner(surroundings: Surroundings): Promise<ProcessOwner> {
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0) {
    const name = (await account((user) => user.uid === uid))?.name ?? `uid ${uid}`;
    return { user: { uid, gid: process.getegid?.() ?? 0, name }, prefix: [], identity: {} };
  }
  const user = await unprivilegedUser(surroundings.clusterOwner);
  let refusal = "";
  for (const owner of waysToBecome(user)) {
    const answer = await tryToReach(owner, surroundings);
    if (answer === undefined) return owner;
    refusal ||= answer;
  }
  throw await unreachable(user, surroundings, refusal);
}

function waysToBecome(user: User): ProcessOwner[] {
  const identity = { uid: user.uid, gid: user.gid };
  return [
    { user, prefix: [], identity },
    // Read and enter any folder, and write no other than its own.
    withCapability(user, "dac_read_search"),
    // More than is needed, but containers usually have this one and not the other. It is what we have ourselves.
    withCapability(user, "dac_override"),
  ];
}

function withCapability(user: User, capability: string): ProcessOwner {
  const prefix = [
    "setpriv",
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    "--clear-groups",
    // Without it access(2), by which PostgreSQL examines its own program, leaves capabilities out of account.
    "--securebits=+no_setuid_fixup",
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    "--",
  ];
  return { user, capability, prefix, identity: {} };
}

/** Tries what matters, as permissions have more ways to say no than can be computed; answers what went wrong. */
async function tryToReach(owner: ProcessOwner, { dataDir, postgres }: Surroundings) {
  const script = 'cd "$1" && test -r "$2" && test -x "$2"';
  const [file, ...args] = [...owner.prefix, "/bin/sh", "-c", script, "sh", dataDir, postgres];
  return promisify(execFile)(file!, args, { ...owner.identity, cwd: "/" }).then(
    () => undefined,
    (error: Error & { stderr?: string }) => error.stderr?.trim() || error.message,
  );
}

async function unreachable(user: User, { dataDir, postgres }: Surroundings, refusal: string) {
  const folder = (await closedFolder(dirname(postgres), user)) ?? (await closedFolder(dataDir, user));
  return new EmbeddedPostgresError(
    folder === undefined
      ? `The embedded PostgreSQL cannot run as user ${user.name} (it refuses to run as root): ${refusal}. Run auth as another user than root, or set DATABASE_URL.`
      : `The embedded PostgreSQL runs as user ${user.name}, as it refuses to run as root, and this user cannot enter ${folder}. Move auth and its data out of that folder, run auth as another user than root, or set DATABASE_URL.`,
  );
}

/** The first of a folder and those above it, from the root, that this user cannot enter by its mode. */
export async function closedFolder(path: string, user: User): Promise<string | undefined> {
  const above = dirname(path);
  const closed = above === path ? undefined : await closedFolder(above, user);
  if (closed !== undefined) return closed;
  const { mode, uid, gid } = await stat(path);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  return (mode & bit) === 0 ? path : undefined;
}

async function unprivilegedUser(clusterOwner: Surroundings["clusterOwner"]): Promise<User> {
  if (clusterOwner !== undefined) {
    const name = (await account((user) => user.uid === clusterOwner.uid))?.name;
    return { ...clusterOwner, name: name ?? `uid ${clusterOwner.uid}` };
  }
  const user =
    (await account(({ name }) => name === "postgres")) ?? (await account(({ name }) => name === "nobody"));
  if (user !== undefined) return user;
  throw new EmbeddedPostgresError(
    "The embedded PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: run auth as another user, or set DATABASE_URL.",
  );
}

async function account(matches: (user: User) => boolean): Promise<User | undefined> {
  const passwd = await readFile("/etc/passwd", "utf8").catch(() => "");
  return passwd
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= 4)
    .map(([name, , uid, gid]) => ({ name: name!, uid: Number(uid), gid: Number(gid) }))
    .find(matches);
}
