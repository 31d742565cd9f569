import type { UserIds } from "./closed-folder.ts";
import { displayPath } from "./data-folder.ts";
import { accountName, findDedicatedUser, isDedicated } from "./dedicated-user.ts";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";

/** The user that PostgreSQL's processes run as, without capabilities and supplementary groups. */
export interface ProcessOwner {
  readonly user: UserIds;
  /** Node's options for spawning a program as that user; empty if it is our own user. */
  readonly identity: Partial<UserIds>;
}

/** An existing cluster: its folder and its owner. */
export interface ExistingCluster {
  readonly pgdata: string;
  readonly owner: UserIds;
}

/**
 * Chooses the user that PostgreSQL runs as: our own or, if that is root, a dedicated one, because PostgreSQL refuses
 * to run as root and any process of the same user can do what the server can. The owner of a cluster's files records
 * which user was chosen.
 *
 * @throws EmbeddedPostgresError if an existing cluster belongs to an account that other programs may use, or no
 * dedicated user is available
 */
export async function chooseProcessOwner(cluster: ExistingCluster | undefined): Promise<ProcessOwner> {
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0) return { user: { uid, gid: process.getegid?.() ?? 0 }, identity: {} };
  if (cluster === undefined) return ownerOf(await findDedicatedUser());
  const name = await accountName("passwd", cluster.owner.uid);
  if (isDedicated(cluster.owner) && name === undefined) return ownerOf(cluster.owner);
  throw await sharedOwner(cluster, name);
}

function ownerOf(user: UserIds): ProcessOwner {
  return { user, identity: user };
}

async function sharedOwner({ pgdata, owner }: ExistingCluster, name: string | undefined) {
  const { uid, gid } = await findDedicatedUser();
  const account = name === undefined ? `uid ${owner.uid}` : `${name} (uid ${owner.uid})`;
  const path = displayPath(pgdata);
  return new EmbeddedPostgresError(
    `${path} belongs to ${account}, an account that other programs may use, and PostgreSQL needs one of its own when started by root; stop PostgreSQL on it, then run: chown -R ${uid}:${gid} ${path}`,
  );
}
