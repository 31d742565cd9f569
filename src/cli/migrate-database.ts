import { connectForCommand, type OpenServiceOptions } from "./open-service.ts";

/**
 * Applies the missing migration steps, or only lists them. Returns the ids of the steps that were missing.
 * @throws StartError if the database is not usable
 */
export async function migrateDatabase(options: OpenServiceOptions, onlyLook: boolean): Promise<string[]> {
  await using connected = await connectForCommand(options);
  const { database } = connected;
  const missing = await database.missingSteps();
  if (!onlyLook && missing.length > 0) await database.makeSteps();
  return missing;
}
