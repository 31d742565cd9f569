import type { PageCursor } from "../../src/domain/page-tokens.ts";
import {
  type Identifier,
  now,
  type User,
  type UserDraft,
  type UserProfile,
} from "../../src/domain/user/user.ts";
import type { Repositories } from "../../src/interfaces/relationaldb/relational-repository.ts";
import type { UserKey, UserQuery } from "../../src/interfaces/relationaldb/user-repository.ts";

/** The arguments that the queries of the repositories are called with. */
export interface Arguments {
  /** A user who is there. */
  readonly user: User;
  /** Id of another. */
  readonly userWithoutPassword: string;
  readonly newId: () => string;
  /** Each kind of key. */
  readonly keys: readonly UserKey[];
  /** Places in a list of users: its beginning, which is undefined, and others. */
  readonly cursors: readonly (PageCursor | undefined)[];
  readonly createdAfter: Date;
  readonly createdBefore: Date;
  readonly emailPrefixes: readonly string[];
  readonly limit: number;
}

/** One query of the port, with its arguments. */
export interface Query {
  readonly name: string;
  /** Rows that it may look for: a page, or as many as there are keys. */
  readonly page: number;
  /** Of a list. */
  readonly list?: UserQuery;
  run(repositories: Repositories): Promise<unknown>;
}

/** Every method of every repository, with every variant of its arguments that could make another statement. */
export function everyQuery(given: Arguments): Query[] {
  return [...everyLookup(given), ...everyMutation(given), ...everyList(given)];
}

function everyLookup({ keys }: Arguments): Query[] {
  return [
    ...keys.flatMap((key) => [
      query(`users.find by ${key.kind}`, 1, ({ users }) => users.find(key)),
      query(`credentials.find by ${key.kind}`, 1, ({ credentials }) => credentials.find(key)),
    ]),
    query("users.findMany of nothing", 1, ({ users }) => users.findMany([])),
    ...keys.map((key) => query(`users.findMany by ${key.kind}`, 1, ({ users }) => users.findMany([key]))),
    query("users.findMany by all", keys.length, ({ users }) => users.findMany(keys)),
  ];
}

function everyMutation({ user, userWithoutPassword, newId }: Arguments): Query[] {
  const named = (): Identifier => {
    const name = `${newId()}@example.com`;
    return { value: name, key: name };
  };
  const profile = { displayName: "Ada", attributes: { team: "engines" } };
  const byEmail = (): UserProfile => ({ ...profile, email: named(), username: undefined });
  const byUsername = (): UserProfile => ({ ...profile, email: undefined, username: named() });
  const { displayName, attributes, email, username } = user;
  const somebody: UserProfile = { displayName, attributes, email, username };
  const starts: (typeof now | Date)[] = [now, new Date()];
  const drafts: [string, UserDraft][] = [
    ["nothing", { ...somebody, suspension: undefined, deleteTime: undefined }],
    ["less", { ...byUsername(), suspension: undefined, deleteTime: undefined }],
    ["deletion now", { ...somebody, suspension: undefined, deleteTime: now }],
    ["deletion then", { ...somebody, suspension: undefined, deleteTime: new Date() }],
    ...starts.flatMap((startTime) =>
      [undefined, new Date()].map((untilTime): [string, UserDraft] => [
        `suspension from ${startTime === now ? "now" : "then"} ${untilTime ? "until then" : "for good"}`,
        { ...somebody, suspension: { reason: "fraud", startTime, untilTime }, deleteTime: undefined },
      ]),
    ),
  ];
  const suspension = { reason: "fraud", startTime: new Date(), untilTime: new Date() };
  const imported = () => ({ id: newId(), importDigest: "digest" });
  const request = { id: newId(), fingerprint: "content", secretHash: undefined };
  return [
    query("users.insert without email", 1, ({ users }) => users.insert(newId(), byUsername())),
    query("users.insert without username", 1, ({ users }) => users.insert(newId(), byEmail())),
    query("users.insertMany", 2, ({ users }) =>
      users.insertMany([
        { ...byEmail(), ...imported(), createTime: undefined, suspension: undefined, deleteTime: undefined },
        { ...byUsername(), ...imported(), createTime: new Date(), suspension, deleteTime: new Date() },
      ]),
    ),
    query("users.findImportDigests", 2, ({ users }) => users.findImportDigests([user.id, newId()])),
    query("credentials.putMany", 1, ({ credentials }) =>
      credentials.putMany([{ userId: userWithoutPassword, passwordHash: "hash" }]),
    ),
    query("credentials.findHashes", 2, ({ credentials }) => credentials.findHashes([user.id, newId()])),
    ...drafts.map(([name, draft]) =>
      query(`users.update: ${name}`, 1, ({ users }) => users.update(user, draft)),
    ),
    query("credentials.put", 1, ({ credentials }) => credentials.put(user.id, "hash")),
    query("credentials.replace", 1, ({ credentials }) => credentials.replace(user.id, "hash", "another")),
    query("requests.find", 1, ({ requests }) => requests.find(request.id)),
    query("requests.claim", 1, ({ requests }) => requests.claim(request)),
    query("requests.claim with a secret", 1, ({ requests }) =>
      requests.claim({ ...request, id: newId(), secretHash: "hash" }),
    ),
    query("requests.conclude", 1, ({ requests }) => requests.conclude(request.id, user)),
    query("requests.conclude with nothing", 1, ({ requests }) => requests.conclude(request.id, undefined)),
    query("requests.sweep", 500, ({ requests }) => requests.sweep(24 * 3_600_000, 500)),
  ];
}

/** Every combination of what a list can be asked for. */
export function everyList(given: Arguments): Query[] {
  const lists: Query[] = [];
  for (const state of [undefined, "active", "suspended", "deleted"] as const)
    for (const createdAfter of [undefined, given.createdAfter])
      for (const createdBefore of [undefined, given.createdBefore])
        for (const emailPrefix of [undefined, ...given.emailPrefixes])
          for (const showDeleted of [false, true])
            for (const orderBy of ["createTime", "id"] as const)
              for (const descending of [false, true])
                for (const [place, after] of given.cursors.entries()) {
                  const filter = { state, createdAfter, createdBefore, emailPrefix, showDeleted };
                  const list = { ...filter, orderBy, descending, after, limit: given.limit };
                  lists.push({
                    ...query(nameOf(list, place), given.limit, ({ users }) => users.list(list)),
                    list,
                  });
                }
  return lists;
}

/** For people: "users.list state=active created_after show_deleted by id desc, cursor 1". */
function nameOf(list: UserQuery, place: number): string {
  return [
    "users.list",
    list.state && `state=${list.state}`,
    list.createdAfter && "created_after",
    list.createdBefore && "created_before",
    list.emailPrefix !== undefined && `email_prefix=${list.emailPrefix}`,
    list.showDeleted && "show_deleted",
    `by ${list.orderBy}${list.descending ? " desc" : ""}, cursor ${place}`,
  ]
    .filter(Boolean)
    .join(" ");
}

function query(name: string, page: number, run: Query["run"]): Query {
  return { name, page, run };
}
