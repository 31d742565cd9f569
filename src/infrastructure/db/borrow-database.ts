import { setTimeout as sleep } from "node:timers/promises";
import { Secret } from "../../domain/secret.ts";
import { displayPath } from "./embedded-postgres/data-folder.ts";
import { findRunningServer } from "./embedded-postgres/running-server.ts";
import { FolderInUseError, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { type LocateDatabaseOptions, type LocatedDatabase, locateDatabase } from "./locate-database.ts";

export interface BorrowDatabaseOptions extends Omit<LocateDatabaseOptions, "onWaiting"> {
  /** Milliseconds to wait for an embedded database that another process is starting or stopping. */
  readonly waitMs: number;
}

export interface BorrowedDatabase extends LocatedDatabase {
  /** Whether another process runs the database. That process may stop it at any time. */
  readonly ownedElsewhere: boolean;
}

const pollEveryMs = 50;
/** Grace period in milliseconds: how long commands that joined our server may keep running once this one is done. */
const clientsMs = 20_000;

/**
 * Opens the database for a short time, with or without a running service: the configured server if there is one;
 * otherwise the embedded database of the process that holds the data folder, left undisturbed; otherwise a newly
 * started embedded database, which disposal stops.
 * @throws StartError if the embedded database cannot be started, or another process occupies it for more than
 * `waitMs`
 */
export async function borrowDatabase(options: BorrowDatabaseOptions): Promise<BorrowedDatabase> {
  const { databaseUrl, dataDir, log, signal, waitMs } = options;
  if (databaseUrl !== undefined) {
    return { ...(await locateDatabase({ ...options, onWaiting: () => {} })), ownedElsewhere: false };
  }
  for (const endsAt = performance.now() + waitMs; ; ) {
    try {
      const embedded = await startEmbeddedPostgres({ dataDir, logger: log, signal, isBrief: true });
      return {
        uri: new Secret(embedded.uri),
        place: `in ${embedded.dataDir}`,
        ended: embedded.ended,
        ownedElsewhere: false,
        [Symbol.asyncDispose]: () => embedded.stop(clientsMs),
      };
    } catch (error) {
      if (!(error instanceof FolderInUseError)) throw error;
      const uri = await findRunningServer(dataDir);
      if (uri !== undefined) return databaseOwnedElsewhere(uri, dataDir);
      if (performance.now() > endsAt) throw error;
      await sleep(pollEveryMs, undefined, { signal });
    }
  }
}

function databaseOwnedElsewhere(uri: string, dataDir: string): BorrowedDatabase {
  return {
    uri: new Secret(uri),
    place: `in ${displayPath(dataDir)}`,
    ended: new Promise(() => {}),
    ownedElsewhere: true,
    [Symbol.asyncDispose]: async () => {},
  };
}
