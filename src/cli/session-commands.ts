import { type Command, command } from "./command.ts";
import { omitUndefined } from "./omit-undefined.ts";
import { flag, text } from "./option.ts";
import { more, pageOf, pageOptions } from "./pages.ts";
import { aboutUsers } from "./user-commands.ts";
import { userReference } from "./user-reference.ts";
import { sessionTable } from "./user-text.ts";

const listSessions = command({
  name: "user sessions",
  args: ["USER"],
  summary: "Lists the sessions of a user, newest first",
  details: aboutUsers,
  options: {
    "show-ended": flag("includes ended sessions"),
    ...pageOptions,
  },
  async run({ args: [argument = ""], options }, { withService }) {
    const { assertRequest, sessionJson } = await import("./messages.ts");
    const { sessions, nextPageToken } = await withService(async (service) => {
      const { id: userId } = await service.users.get(service.call(), userReference(argument));
      const query = { userId, showEnded: options["show-ended"], ...pageOf(options) };
      assertRequest.listSessions(query);
      return service.sessions.list(service.call(), query);
    });
    return {
      json: { sessions: sessions.map(sessionJson), nextPageToken },
      text: sessionTable(sessions) + more(nextPageToken),
    };
  },
});

const revokeSessions = command({
  name: "user revoke-sessions",
  args: ["USER"],
  summary: "Ends the sessions of a user",
  details: aboutUsers,
  options: { "except-session": text("UUID", "session that does not end") },
  async run({ args: [argument = ""], options: { "except-session": exceptSessionId } }, { withService }) {
    const { assertRequest } = await import("./messages.ts");
    await withService(async ({ users, sessions, call }) => {
      const { id: userId } = await users.get(call(), userReference(argument));
      assertRequest.revokeUserSessions(omitUndefined({ userId, exceptSessionId }));
      await sessions.revokeAll(call(), userId, exceptSessionId);
    });
    const others = exceptSessionId === undefined ? "" : "other ";
    return { json: {}, text: `All ${others}sessions ended.\n` };
  },
});

/** Every command that manages the sessions of a user. */
export const sessionCommands: readonly Command[] = [listSessions, revokeSessions];
