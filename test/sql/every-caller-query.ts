import type { PageCursor } from "../../src/domain/page-tokens.ts";
import type { Repositories } from "../../src/interfaces/relationaldb/relational-repository.ts";

/** The arguments that the queries of service accounts are called with. */
export interface CallerArguments {
  /** An account, and a key of it. */
  readonly accountId: string;
  readonly keyId: string;
  /** Places in the list of accounts. */
  readonly cursors: readonly (PageCursor | undefined)[];
  readonly newId: () => string;
}

const pageSize = 51;
/** As many keys as an account may have. */
const handful = 10;

/** Every query of the repository of service accounts. */
export function everyCallerQuery({ accountId, keyId, cursors, newId }: CallerArguments) {
  const draft = { displayName: "d", roles: ["verifier"], disabled: true };
  const key = { accountId, displayName: "", creator: "cli:ops", digest: Buffer.from("digest") };
  return [
    query("serviceAccounts.find", 1, ({ serviceAccounts }) => serviceAccounts.find(accountId)),
    query("serviceAccounts.findKey", 1, ({ serviceAccounts }) => serviceAccounts.findKey(keyId)),
    query("serviceAccounts.listKeys", handful, ({ serviceAccounts }) => serviceAccounts.listKeys(accountId)),
    ...cursors.map((after, place) =>
      query(`serviceAccounts.list, cursor ${place}`, pageSize, ({ serviceAccounts }) =>
        serviceAccounts.list(after, pageSize),
      ),
    ),
    query("serviceAccounts.insert", 1, ({ serviceAccounts }) =>
      serviceAccounts.insert({ id: newId(), name: `a-${newId()}`, displayName: "", roles: ["verifier"] }),
    ),
    query("serviceAccounts.update", 1, async ({ serviceAccounts }) => {
      const account = await serviceAccounts.find(accountId);
      if (account !== undefined) await serviceAccounts.update(account, draft);
    }),
    query("serviceAccounts.insertKey", 1, ({ serviceAccounts }) =>
      serviceAccounts.insertKey({ ...key, id: newId(), expireTime: undefined }),
    ),
    query("serviceAccounts.insertKey that expires", 1, ({ serviceAccounts }) =>
      serviceAccounts.insertKey({ ...key, id: newId(), expireTime: new Date() }),
    ),
    query("serviceAccounts.disableKey", 1, ({ serviceAccounts }) => serviceAccounts.disableKey(keyId)),
    query("serviceAccounts.disableKey of none", 1, ({ serviceAccounts }) =>
      serviceAccounts.disableKey(newId()),
    ),
    query("serviceAccounts.touchKeys", 1, ({ serviceAccounts }) => serviceAccounts.touchKeys([keyId])),
    query("serviceAccounts.deleteKey", 1, ({ serviceAccounts }) => serviceAccounts.deleteKey(keyId)),
    query("serviceAccounts.delete", handful, ({ serviceAccounts }) => serviceAccounts.delete(accountId)),
  ];
}

function query(name: string, page: number, run: (repositories: Repositories) => Promise<unknown>) {
  return { name, page, run };
}
