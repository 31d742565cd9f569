import { randomBytes } from "node:crypto";
import { chmod, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, DatabaseError } from "pg";
import { syncNames } from "./data-folder.ts";
import { EmbeddedPostgresError, systemErrorCode } from "./embedded-postgres-error.ts";

/**
 * Access to the embedded database. The service's role is not a superuser and has a random password, in a file that
 * only this process's user can read. The superuser may connect, without a password, only while that role is created:
 * at the first start, and if the file was lost.
 */

/** The superuser that initdb creates. */
const superuser = "auth";
/** The role of the service and of the command line. It owns the database and its tables. */
const serviceRole = "auth_service";
const databaseName = "auth";

/** Location of a server: the folder of its socket, and its port. */
export interface ServerSocket {
  readonly folder: string;
  readonly port: number;
}

/** The database URI for the service. It is complete, so PGPORT, PGSSLMODE and similar variables have no effect. */
export function serviceUri(socket: ServerSocket, password: string): string {
  return uriOf(socket, `${serviceRole}:${password}`, databaseName);
}

/** The URI for {@link createServiceRole}, on a database that every cluster has. */
export function superuserUri(socket: ServerSocket, database = "template1"): string {
  return uriOf(socket, superuser, database);
}

function uriOf({ folder, port }: ServerSocket, credentials: string, database: string): string {
  const parameters = new URLSearchParams({ host: folder, port: String(port), sslmode: "disable" });
  return `postgresql://${credentials}@localhost/${database}?${parameters}`;
}

/** Reads the service's password; undefined if the service's role has not been created. */
export async function readPassword(dataDir: string): Promise<string | undefined> {
  return (await readIfThere(passwordFile(dataDir)))?.trim();
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Path of the file that holds the service's password. */
export function passwordFile(dataDir: string): string {
  return join(dataDir, "database-password");
}

/** Path of the access rules that the server is started with, instead of the cluster's own. */
export function accessRules(dataDir: string): string {
  return join(dataDir, "pg_hba.conf");
}

/** Writes the rules: the service's role with its password, and the superuser if `allowSuperuser`. */
export async function writeAccessRules(dataDir: string, allowSuperuser: boolean): Promise<void> {
  const rules = [`local all ${serviceRole} scram-sha-256`];
  if (allowSuperuser) rules.push(`local all ${superuser} trust`);
  const text = `${rules.join("\n")}\n`;
  if ((await readIfThere(accessRules(dataDir))) === text) return;
  // PostgreSQL's user reads this file too.
  await replaceFile(accessRules(dataDir), text, 0o644);
}

/**
 * Creates the service's role, or sets a new password for it, and makes it the owner of the database and its tables.
 * Afterwards the superuser can no longer connect. May be repeated after a failure at any point.
 *
 * @returns the password
 */
export async function createServiceRole(dataDir: string, socket: ServerSocket): Promise<string> {
  const password = randomBytes(32).toString("hex");
  await query(superuserUri(socket), `${nameDatabase};\n${createRole};\n${configureRole(password)}`);
  await query(superuserUri(socket, databaseName), transferTables);
  await replaceFile(passwordFile(dataDir), `${password}\n`, 0o600);
  await writeAccessRules(dataDir, false);
  await syncNames(dataDir);
  await query(superuserUri(socket), "select pg_reload_conf()");
  await waitUntilRefused(superuserUri(socket));
  return password;
}

/** Renaming the database that initdb creates takes 3 ms; creating another takes 50 to 120 ms. */
const nameDatabase = `
  do $$ begin
    if not exists (select from pg_database where datname = '${databaseName}') then
      alter database postgres rename to ${databaseName};
    end if;
  end $$`;

const createRole = `
  do $$ begin
    if not exists (select from pg_roles where rolname = '${serviceRole}') then
      create role ${serviceRole};
    end if;
  end $$`;

const configureRole = (password: string) => `
  alter role ${serviceRole}
    with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password '${password}';
  alter database ${databaseName} owner to ${serviceRole}`;

/** Transfers tables that earlier versions, which worked as the superuser, left behind. */
const transferTables = `
  do $$ declare relation regclass; begin
    for relation in
      select oid
      from pg_class
      where relnamespace = 'public'::regnamespace
        and relkind in ('r', 'p', 'v', 'm')
        and relowner <> '${serviceRole}'::regrole
    loop
      execute format('alter table %s owner to ${serviceRole}', relation);
    end loop;
  end $$`;

const invalidAuthorization = "28000";
const refusedWithinMs = 10_000;

/** Waits until new rules are in force: the server reads them a moment after the reload request. */
async function waitUntilRefused(uri: string): Promise<void> {
  for (const endsAt = performance.now() + refusedWithinMs; performance.now() < endsAt; await sleep(2)) {
    try {
      await query(uri, "select 1");
    } catch (error) {
      if (error instanceof DatabaseError && error.code === invalidAuthorization) return;
      throw error;
    }
  }
  throw new EmbeddedPostgresError(
    "the embedded PostgreSQL still accepts its superuser without a password; start auth again, or set DATABASE_URL",
  );
}

/** Replaces a file atomically, once the new content is complete and on disk. */
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.new`;
  const handle = await open(draft, "w", mode);
  try {
    // Sets the mode regardless of the umask, also on a draft that a crash left behind.
    await chmod(draft, mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, path);
}

/** Runs a statement on a connection of its own. */
export async function query(uri: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: uri, connectionTimeoutMillis: 5_000 });
  // A broken connection is reported by the call that waits for it.
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
