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
  /** Another process runs it, and may stop it at any time. */
  readonly isAnothers: boolean;
}

const lookEveryMs = 50;
/** What a command that has found our server gets to finish when we do. */
const clientsMs = 20_000;

/**
 * The database for a short while, beside a service or without one: the configured server; else the embedded one of the
 * process that has the data folder, which is not disturbed; else the embedded one, started, and stopped when disposed of.
 * @throws StartError
 */
export async function borrowDatabase(options: BorrowDatabaseOptions): Promise<BorrowedDatabase> {
  const { databaseUrl, dataDir, log, signal, waitMs } = options;
  if (databaseUrl !== undefined) {
    return { ...(await locateDatabase({ ...options, onWaiting: () => {} })), isAnothers: false };
  }
  for (const endsAt = performance.now() + waitMs; ; ) {
    try {
      const embedded = await startEmbeddedPostgres({ dataDir, logger: log, signal, isBrief: true });
      return {
        uri: new Secret(embedded.uri),
        place: `in ${embedded.dataDir}`,
        ended: embedded.ended,
        isAnothers: false,
        [Symbol.asyncDispose]: () => embedded.stop(clientsMs),
      };
    } catch (error) {
      if (!(error instanceof FolderInUseError)) throw error;
      const uri = await findRunningServer(dataDir);
      if (uri !== undefined) return anothers(uri, dataDir);
      if (performance.now() > endsAt) throw error;
      await sleep(lookEveryMs, undefined, { signal });
    }
  }
}

function anothers(uri: string, dataDir: string): BorrowedDatabase {
  return {
    uri: new Secret(uri),
    place: `in ${displayPath(dataDir)}`,
    ended: new Promise(() => {}),
    isAnothers: true,
    [Symbol.asyncDispose]: async () => {},
  };
}
