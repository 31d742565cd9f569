import { builtInRoles } from "../domain/caller/permission.ts";
import type { ServiceAccount, ServiceAccountKey } from "../domain/caller/service-account.ts";
import { DomainError } from "../domain/errors.ts";
import { type Answer, type Command, type CommandContext, command } from "./command.ts";
import type { OpenService } from "./open-service.ts";
import { text, texts, time } from "./option.ts";
import { more, pageOf, pageOptions } from "./pages.ts";
import { columns, escapeControls, formatTime } from "./text.ts";
import { UsageError } from "./usage-error.ts";

const aboutAccounts = "ACCOUNT is the id or name of a service account.";
const aboutDelay = "Running services apply the change within five seconds.";

const createAccount = command({
  name: "service-account create",
  summary: "Creates a service account: a caller with keys",
  details: `Built-in roles: ${Object.keys(builtInRoles).join(", ")}.
AUTH_POLICY_FILE may define more. Create the first admin this way, and its key by \`auth service-account key create\`.`,
  options: {
    name: text("NAME", "lower-case letters, digits and hyphens; required"),
    role: texts("ROLE", "role; at least one, may be repeated"),
    "display-name": text("TEXT", "purpose"),
  },
  async run({ options: { name, role: roles, "display-name": displayName = "" } }, context) {
    if (name === undefined) throw new UsageError("--name is required");
    if (roles.length === 0) throw new UsageError("--role is required");
    const { assertRequest } = await import("./messages.ts");
    const account = { name, displayName, roles };
    assertRequest.createServiceAccount({ name, displayName, roles: [...roles] });
    return answering(context, ({ serviceAccounts, call }) => serviceAccounts.create(call(), account));
  },
});

const listAccounts = command({
  name: "service-account list",
  summary: "Lists service accounts, newest first",
  options: pageOptions,
  async run({ options }, { withService }) {
    const { assertRequest, serviceAccountJson } = await import("./messages.ts");
    const page = pageOf(options);
    assertRequest.listServiceAccounts(page);
    const { accounts, nextPageToken } = await withService(({ serviceAccounts, call }) =>
      serviceAccounts.list(call(), page),
    );
    return {
      json: { serviceAccounts: accounts.map(serviceAccountJson), nextPageToken },
      text: accountTable(accounts) + more(nextPageToken),
    };
  },
});

const getAccount = command({
  name: "service-account get",
  args: ["ACCOUNT"],
  summary: "Shows a service account",
  details: aboutAccounts,
  run: ({ args: [account = ""] }, context) => answering(context, (service) => accountOf(service, account)),
});

const deleteAccount = command({
  name: "service-account delete",
  args: ["ACCOUNT"],
  summary: "Permanently deletes a service account and its keys",
  details: `${aboutAccounts} ${aboutDelay}`,
  async run({ args: [argument = ""] }, { withService }) {
    const { name } = await withService(async (service) => {
      const account = await accountOf(service, argument);
      await service.serviceAccounts.delete(service.call(), account.id);
      return account;
    });
    return { json: {}, text: `Deleted the service account ${name} and its keys.\n` };
  },
});

const createKey = command({
  name: "service-account key create",
  args: ["ACCOUNT"],
  summary: "Creates a key and prints it once",
  details: `Standard output is the key alone; the service stores only a keyed hash. Callers send it as
\`authorization: Bearer KEY\`. ${aboutAccounts}`,
  options: { "display-name": text("TEXT", "purpose"), expires: time("expiry; never by default") },
  async run({ args: [argument = ""], options }, { withService, note }) {
    const { "display-name": displayName = "", expires: expireTime } = options;
    const { assertRequest, serviceAccountKeyJson } = await import("./messages.ts");
    const { key, text: secret } = await withService(async (service) => {
      const { id: accountId } = await accountOf(service, argument);
      assertRequest.createServiceAccountKey({ serviceAccountId: accountId, displayName });
      return service.serviceAccounts.createKey(service.call(), { accountId, displayName, expireTime });
    });
    note(`key ${key.id} (shown only once):`);
    return {
      json: { serviceAccountKey: serviceAccountKeyJson(key), key: secret.reveal() },
      text: `${secret.reveal()}\n`,
    };
  },
});

const listKeys = command({
  name: "service-account key list",
  args: ["ACCOUNT"],
  summary: "Lists the keys of a service account, without their secrets",
  details: aboutAccounts,
  async run({ args: [argument = ""] }, { withService }) {
    const keys = await withService(async (service) => {
      const { id } = await accountOf(service, argument);
      return service.serviceAccounts.listKeys(service.call(), id);
    });
    const { serviceAccountKeyJson } = await import("./messages.ts");
    return { json: { serviceAccountKeys: keys.map(serviceAccountKeyJson) }, text: keyTable(keys) };
  },
});

const disableKey = command({
  name: "service-account key disable",
  args: ["KEY-ID"],
  summary: "Refuses a key from now on",
  details: aboutDelay,
  async run({ args: [id = ""] }, { withService }) {
    const { assertRequest, serviceAccountKeyJson } = await import("./messages.ts");
    assertRequest.changeServiceAccountKey({ id });
    const key = await withService(({ serviceAccounts, call }) => serviceAccounts.disableKey(call(), id));
    return { json: { serviceAccountKey: serviceAccountKeyJson(key) }, text: keyTable([key]) };
  },
});

const deleteKey = command({
  name: "service-account key delete",
  args: ["KEY-ID"],
  summary: "Permanently deletes a key",
  details: aboutDelay,
  async run({ args: [id = ""] }, { withService }) {
    const { assertRequest } = await import("./messages.ts");
    assertRequest.changeServiceAccountKey({ id });
    await withService(({ serviceAccounts, call }) => serviceAccounts.deleteKey(call(), id));
    return { json: {}, text: `Deleted the key ${id}.\n` };
  },
});

/** Every command that manages service accounts and their keys. */
export const serviceAccountCommands: readonly Command[] = [
  createAccount,
  listAccounts,
  getAccount,
  change("disable", "Disables a service account and all its keys"),
  change("enable", "Enables a service account and its keys"),
  deleteAccount,
  createKey,
  listKeys,
  disableKey,
  deleteKey,
];

function change(verb: "disable" | "enable", summary: string): Command {
  return command({
    name: `service-account ${verb}`,
    args: ["ACCOUNT"],
    summary,
    details: `${aboutAccounts} ${aboutDelay}`,
    run: ({ args: [argument = ""] }, context) =>
      answering(context, async (service) => {
        const { id } = await accountOf(service, argument);
        return service.serviceAccounts[verb](service.call(), id);
      }),
  });
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The account that an argument identifies: an id or a name. @throws SERVICE_ACCOUNT_NOT_FOUND if there is none */
async function accountOf({ serviceAccounts, call }: OpenService, argument: string): Promise<ServiceAccount> {
  if (uuid.test(argument)) return serviceAccounts.get(call(), argument);
  // There are few accounts, so names are looked up in the list.
  let pageToken = "";
  do {
    const page = await serviceAccounts.list(call(), { pageSize: 1_000, pageToken });
    const found = page.accounts.find(({ name }) => name === argument);
    if (found !== undefined) return found;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  throw new DomainError("SERVICE_ACCOUNT_NOT_FOUND", "service account not found");
}

async function answering(
  { withService }: CommandContext,
  work: (service: OpenService) => Promise<ServiceAccount>,
): Promise<Answer> {
  const [account, { serviceAccountJson }] = await Promise.all([withService(work), import("./messages.ts")]);
  return { json: { serviceAccount: serviceAccountJson(account) }, text: accountTable([account]) };
}

function accountTable(accounts: readonly ServiceAccount[]): string {
  return columns([
    ["ID", "NAME", "ROLES", "STATE", "CREATED", "FOR"],
    ...accounts.map(({ id, name, roles, disableTime, createTime, displayName }) => [
      id,
      name,
      roles.join(","),
      disableTime === undefined ? "enabled" : "disabled",
      formatTime(createTime),
      escapeControls(displayName) || "-",
    ]),
  ]);
}

function keyTable(keys: readonly ServiceAccountKey[]): string {
  return columns([
    ["ID", "STATE", "CREATED", "EXPIRES", "LAST USED", "FOR"],
    ...keys.map(({ id, disableTime, createTime, expireTime, lastUseTime, displayName }) => [
      id,
      disableTime === undefined ? "enabled" : "disabled",
      formatTime(createTime),
      formatTime(expireTime),
      formatTime(lastUseTime),
      escapeControls(displayName) || "-",
    ]),
  ]);
}
