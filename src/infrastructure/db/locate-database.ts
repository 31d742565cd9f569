import { Secret } from "../../domain/secret.ts";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";

export interface LocateDatabaseOptions {
  /** postgresql:// URL of a server, or undefined for the embedded one in `dataDir`. */
  readonly databaseUrl: Secret | undefined;
  readonly dataDir: string;
  readonly log: (line: string) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
  /** Called while PostgreSQL starts and this process only waits for it. */
  readonly onWaiting: () => void;
}

/** The location of a database. Disposal stops it if it is the embedded one. */
export interface LocatedDatabase extends AsyncDisposable {
  readonly uri: Secret;
  /** Human-readable, without secrets: "at db.example.com:26257/auth", "in /srv/auth/data". */
  readonly place: string;
  /** Resolves with a reason if the embedded database ends unexpectedly. */
  readonly ended: Promise<string>;
}

/**
 * Starts the embedded database, or locates the configured one.
 * @throws StartError if the embedded database cannot be started
 */
export async function locateDatabase(options: LocateDatabaseOptions): Promise<LocatedDatabase> {
  const { databaseUrl, dataDir, log, signal, onWaiting } = options;
  if (databaseUrl !== undefined) {
    const { host, searchParams, pathname } = new URL(databaseUrl.reveal());
    return {
      uri: databaseUrl,
      place: `at ${host || (searchParams.get("host") ?? "localhost")}${pathname}`,
      ended: new Promise(() => {}),
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const embedded = await startEmbeddedPostgres({ dataDir, logger: log, signal, onWaiting });
  return {
    uri: new Secret(embedded.uri),
    place: `in ${embedded.dataDir}`,
    ended: embedded.ended,
    [Symbol.asyncDispose]: () => embedded.stop(),
  };
}
