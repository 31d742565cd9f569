import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import { type User, User_State } from "../../src/gen/auth/v1/user_pb.ts";
import type { ApiClients } from "./clients.ts";

/** A user as it must be found. */
export interface UserState {
  readonly version: number;
  readonly displayName: string;
  readonly state: User_State;
  readonly reason: string;
  readonly password: string | undefined;
}

/** A change of a user, under a request id of its own. */
export interface Write {
  readonly requestId: string;
  call(clients: ApiClients, entry: Entry): Promise<unknown>;
  apply(before: UserState | undefined): UserState;
}

/** A user of one writer's and all that is known of it. */
export interface Entry {
  readonly username: string;
  /** What was acknowledged; undefined while nothing was. */
  acknowledged: UserState | undefined;
  /** The write that was not answered, if any: it was made once or not at all. */
  inDoubt: Write | undefined;
  id: string;
}

/** The writes of a user's life, in order: mostly one without a password, because a hash costs so much more. */
export function lifeOf(entry: Entry, withPassword: boolean): Write[] {
  return withPassword
    ? [create(entry, aPassword()), edit("renamed"), setPassword(aPassword()), edit("renamed again")]
    : [create(entry), edit("renamed"), suspend("spam"), edit("renamed again"), remove()];
}

function aPassword(): string {
  return `correct horse ${randomUUID()}`;
}

function create({ username }: Entry, password?: string): Write {
  return {
    requestId: randomUUID(),
    async call({ users }, entry) {
      const { requestId } = this;
      const user = { username, displayName: "created" };
      const created = await users.createUser({ user, password: password ?? "", requestId });
      entry.id = created.user!.id;
    },
    apply: () => ({
      version: 1,
      displayName: "created",
      state: User_State.ACTIVE,
      reason: "",
      password,
    }),
  };
}

function edit(displayName: string): Write {
  return {
    requestId: randomUUID(),
    call({ users }, { id }) {
      const { requestId } = this;
      return users.updateUser({
        user: { id, displayName },
        updateMask: { paths: ["display_name"] },
        requestId,
      });
    },
    apply: (before) => next(before, { displayName }),
  };
}

function suspend(reason: string): Write {
  return {
    requestId: randomUUID(),
    call({ users }, { id }) {
      return users.suspendUser({ id, reason, requestId: this.requestId });
    },
    apply: (before) => next(before, { state: User_State.SUSPENDED, reason }),
  };
}

function remove(): Write {
  return {
    requestId: randomUUID(),
    call({ users }, { id }) {
      return users.deleteUser({ id, requestId: this.requestId });
    },
    apply: (before) => next(before, { state: User_State.DELETED, reason: "" }),
  };
}

function setPassword(password: string): Write {
  return {
    requestId: randomUUID(),
    call({ authentication }, { id }) {
      return authentication.setPassword({ userId: id, password, requestId: this.requestId });
    },
    // A password is no part of the user, and so none of its version.
    apply: (before) => ({ ...known(before), password }),
  };
}

function next(before: UserState | undefined, change: Partial<UserState>): UserState {
  return { ...known(before), ...change, version: known(before).version + 1 };
}

function known(state: UserState | undefined): UserState {
  if (state === undefined) throw new Error("the user was not created yet");
  return state;
}

/** Finds the users of some entries, with a password that is theirs among those that may be. */
export async function findAll(
  clients: ApiClients,
  entries: readonly Entry[],
): Promise<(UserState | undefined)[]> {
  const found: (User | undefined)[] = [];
  for (let i = 0; i < entries.length; i += 1_000) {
    const keys = entries
      .slice(i, i + 1_000)
      .map(({ username }) => ({ key: { case: "username" as const, value: username } }));
    const { results } = await clients.users.batchGetUsers({ keys });
    found.push(...results.map(({ result }) => (result.case === "user" ? result.value : undefined)));
  }
  const states: (UserState | undefined)[] = [];
  for (const [i, user] of found.entries()) states.push(user && (await stateOf(clients, entries[i]!, user)));
  return states;
}

async function stateOf(clients: ApiClients, entry: Entry, user: User): Promise<UserState> {
  entry.id = user.id;
  const { etag, displayName, state, suspension } = user;
  const password = await passwordOf(clients, entry);
  return { version: Number(etag), displayName, state, reason: suspension?.reason ?? "", password };
}

/** Which of the passwords that an entry may have is good; undefined where none is. */
async function passwordOf(clients: ApiClients, entry: Entry): Promise<string | undefined> {
  const { username: identifier } = entry;
  for (const password of new Set(possibleStates(entry).map((state) => state?.password))) {
    if (password === undefined) continue;
    const failure = await clients.authentication.verifyPassword({ identifier, password }).then(
      () => undefined,
      (error: unknown) => ConnectError.from(error),
    );
    if (failure === undefined) return password;
    if (failure.code !== Code.Unauthenticated) throw failure;
  }
  return undefined;
}

/** Whether a user is as it was acknowledged, or with the whole of the write in doubt: not in between, and not twice. */
export function isPossible(entry: Entry, found: UserState | undefined): boolean {
  return possibleStates(entry).some((state) => isDeepStrictEqual(state, found));
}

function possibleStates({ acknowledged, inDoubt }: Entry): (UserState | undefined)[] {
  return [acknowledged, ...(inDoubt ? [inDoubt.apply(acknowledged)] : [])];
}
