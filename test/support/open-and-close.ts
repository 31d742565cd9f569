import { Secret } from "../../src/domain/secret.ts";
import { openDatabase } from "../../src/infrastructure/db/open-database.ts";

/** Does what a start of the service does with its database: opens it, migrates it; and closes it again. */
export async function openAndClose(uri: string): Promise<void> {
  const location = {
    uri: new Secret(uri),
    place: "of a test",
    ended: new Promise<string>(() => {}),
    [Symbol.asyncDispose]: async () => {},
  };
  const database = await openDatabase(location, {
    databasePoolSize: 2,
    databaseWaitMs: 5_000,
    migrate: "auto",
    log: () => {},
    signal: new AbortController().signal,
  });
  await database[Symbol.asyncDispose]();
}
