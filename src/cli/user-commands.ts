import { Secret } from "../domain/secret.ts";
import type { User } from "../domain/user/user.ts";
import type { ListUsers } from "../domain/user/user-service.ts";
import { type Answer, type Command, type CommandContext, command } from "./command.ts";
import { omitUndefined } from "./omit-undefined.ts";
import type { OpenService } from "./open-service.ts";
import { flag, oneOf, pairs, text, time } from "./option.ts";
import { more, pageOf, pageOptions } from "./pages.ts";
import { plural } from "./text.ts";
import { UsageError } from "./usage-error.ts";
import { userReference } from "./user-reference.ts";
import { userTable, userText } from "./user-text.ts";

/** Explains the USER argument in the help. */
export const aboutUsers =
  'USER is an id, an email or a username: "id:", "email:" or "username:" before it says which it is.';

const requestId = text("UUID", "idempotency key of the command (AIP-155)");
const conditions = {
  etag: text("ETAG", "changes the user only if it still has this etag"),
  "request-id": requestId,
};

const createUser = command({
  name: "user create",
  summary: "Creates a user",
  details: `A user has an email, a username, or both. --with-password reads the password from a prompt, or from one line of standard
input. Without a password the user cannot sign in by password.`,
  options: {
    email: text("EMAIL", "email"),
    username: text("NAME", "username"),
    "display-name": text("NAME", "display name"),
    attribute: pairs("attribute; may be repeated"),
    "with-password": flag("sets a password, read from the terminal or standard input"),
    "request-id": requestId,
  },
  async run({ options }, context) {
    const { email, username, attribute: attributes, "display-name": displayName = "" } = options;
    if (email === undefined && username === undefined)
      throw new UsageError("--email or --username is required");
    const password = options["with-password"] ? await context.readPassword() : undefined;
    const { assertRequest } = await import("./messages.ts");
    const user = omitUndefined({ email, username, displayName, attributes });
    assertRequest.createUser(omitUndefined({ user, password, requestId: options["request-id"] }));
    return answering(context, ({ users, call }) =>
      users.create(call(), {
        email,
        username,
        displayName,
        attributes,
        password: password === undefined ? undefined : new Secret(password),
        requestId: options["request-id"],
      }),
    );
  },
});

const getUser = command({
  name: "user get",
  args: ["USER"],
  summary: "Shows a user, deleted or not",
  details: aboutUsers,
  run: ({ args: [user = ""] }, context) =>
    answering(context, ({ users, call }) => users.get(call(), userReference(user))),
});

const filters = {
  "email-prefix": text("TEXT", "only users whose email starts with TEXT"),
  "created-after": time("only users created at or after this time"),
  "created-before": time("only users created before this time"),
};

const listUsers = command({
  name: "user list",
  summary: "Lists users, page by page",
  details: `If there are more results, the answer has a page token. Use it with the same options.`,
  options: {
    state: oneOf(["active", "suspended", "deleted"], "only users in this state"),
    ...filters,
    "show-deleted": flag("includes deleted users"),
    "order-by": oneOf(["create_time", "id"], "create_time by default"),
    descending: flag("reverses the order"),
    ...pageOptions,
  },
  async run({ options }, { withService }) {
    const { assertRequest, userJson } = await import("./messages.ts");
    const query = {
      state: options.state,
      createdAfter: options["created-after"],
      createdBefore: options["created-before"],
      emailPrefix: options["email-prefix"] || undefined,
      showDeleted: options["show-deleted"] || options.state === "deleted",
      orderBy: options["order-by"] === "id" ? "id" : "createTime",
      descending: options.descending,
      ...pageOf(options),
    } satisfies ListUsers;
    const { emailPrefix = "", pageSize, pageToken } = query;
    assertRequest.listUsers({ filter: { emailPrefix }, pageSize, pageToken });
    const { users, nextPageToken } = await withService((service) =>
      service.users.list(service.call(), query),
    );
    return {
      json: { users: users.map(userJson), nextPageToken },
      text: userTable(users) + more(nextPageToken),
    };
  },
});

const suspendUser = command({
  name: "user suspend",
  args: ["USER"],
  summary: "Suspends a user and ends its sessions",
  details: `Permanently, or until a time.
${aboutUsers}`,
  options: {
    reason: text("TEXT", "reason, for the audit log; required"),
    until: time("end of the suspension; never by default"),
    ...conditions,
  },
  async run({ args: [user = ""], options: { reason, until: untilTime, ...options } }, context) {
    if (reason === undefined) throw new UsageError("--reason is required");
    const { assertRequest } = await import("./messages.ts");
    return answering(context, async (service) => {
      const change = await changeOf(service, user, options);
      assertRequest.suspendUser({ ...omitUndefined(change), reason });
      return service.users.suspend(service.call(), { ...change, reason, untilTime });
    });
  },
});

const setPassword = command({
  name: "user set-password",
  args: ["USER"],
  summary: "Sets a user's password and ends its sessions",
  details: `The password is read from a prompt, or from one line of standard input.
${aboutUsers}`,
  options: { "request-id": requestId },
  async run({ args: [argument = ""], options }, { readPassword, withService }) {
    const password = await readPassword();
    const { assertRequest } = await import("./messages.ts");
    const id = await withService(async ({ users, authentication, call }) => {
      const { id: userId } = await users.get(call(), userReference(argument));
      const change = { userId, password, requestId: options["request-id"] };
      assertRequest.setPassword(omitUndefined(change));
      await authentication.setPassword(call(), { ...change, password: new Secret(password) });
      return userId;
    });
    return { json: {}, text: `Set the password of ${id} and ended its sessions.\n` };
  },
});

const unlockUser = command({
  name: "user unlock",
  args: ["USER"],
  summary: "Unlocks a user after failed sign-in attempts",
  details: `The password and the sessions do not change.
${aboutUsers}`,
  run: ({ args: [user = ""] }, context) =>
    answering(context, async ({ users, lockouts, call }) => {
      const { id } = await users.get(call(), userReference(user));
      return lockouts.unlock(call(), id);
    }),
});

const unlockUsers = command({
  name: "user unlock-all",
  summary: "Unlocks all users that match",
  details: `For use after an attack that locked many users. Without options, it unlocks all users that are not deleted. If it is
interrupted, run it again.`,
  options: { state: oneOf(["active", "suspended"], "only users in this state"), ...filters },
  async run({ options }, { withService }) {
    const { assertRequest } = await import("./messages.ts");
    const filter = {
      state: options.state,
      createdAfter: options["created-after"],
      createdBefore: options["created-before"],
      emailPrefix: options["email-prefix"] || undefined,
    };
    assertRequest.unlockUsers({ filter: { emailPrefix: filter.emailPrefix ?? "" } });
    const unlockedCount = await withService(async ({ lockouts, call }) => {
      let [total, pageToken] = [0, ""];
      do {
        const page = await lockouts.unlockPage(call(), { ...filter, pageSize: 0, pageToken });
        total += page.unlockedCount;
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return total;
    });
    return { json: { unlockedCount }, text: `${plural(unlockedCount, "user")} unlocked.\n` };
  },
});

/** Every command that manages users. */
export const userCommands: readonly Command[] = [
  createUser,
  getUser,
  listUsers,
  suspendUser,
  change("unsuspend", "Ends the suspension of a user"),
  change("delete", "Soft-deletes a user: it can be undeleted, and its identifiers stay reserved"),
  change("undelete", "Restores a deleted user"),
  setPassword,
  unlockUser,
  unlockUsers,
];

function change(verb: "unsuspend" | "delete" | "undelete", summary: string): Command {
  return command({
    name: `user ${verb}`,
    args: ["USER"],
    summary,
    details: aboutUsers,
    options: conditions,
    async run({ args: [user = ""], options }, context) {
      const { assertRequest } = await import("./messages.ts");
      return answering(context, async (service) => {
        const asked = await changeOf(service, user, options);
        assertRequest.changeUser(omitUndefined(asked));
        return service.users[verb](service.call(), asked);
      });
    },
  });
}

/** The requested change of the user that an argument identifies. */
async function changeOf(
  { users, call }: OpenService,
  argument: string,
  {
    etag,
    "request-id": id,
  }: { readonly etag: string | undefined; readonly "request-id": string | undefined },
) {
  const user = await users.get(call(), userReference(argument));
  return { id: user.id, etag, requestId: id };
}

async function answering(
  { withService }: CommandContext,
  work: (service: OpenService) => Promise<User>,
): Promise<Answer> {
  const [user, { userJson }] = await Promise.all([withService(work), import("./messages.ts")]);
  return { json: { user: userJson(user) }, text: userText(user) };
}
