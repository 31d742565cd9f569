import type { Deadline } from "../../../domain/call.ts";
import type { User } from "../../../domain/user/user.ts";
import { nameOf, namesOf } from "../../../domain/user/user-reference.ts";
import { CoalescedReads } from "../../../infrastructure/db/coalesced-reads.ts";
import type { UserKey, UserReader } from "../user-repository.ts";

/** Finds users for many calls. Concurrent lookups share one statement. */
export class SharedUserReads {
  readonly #users: (call: Deadline) => UserReader;
  readonly #finds = new CoalescedReads<UserKey, User>({
    load: (call, keys) => this.#load(call, keys),
  });

  constructor(users: (call: Deadline) => UserReader) {
    this.#users = users;
  }

  find(call: Deadline, key: UserKey): Promise<User | undefined> {
    return this.#finds.find(call, key);
  }

  async #load(call: Deadline, keys: readonly UserKey[]): Promise<(User | undefined)[]> {
    const users = this.#users(call);
    const [only] = keys;
    if (keys.length === 1 && only !== undefined) return [await users.find(only)];
    const named = new Map<string, User>();
    for (const user of await users.findMany(keys)) for (const name of namesOf(user)) named.set(name, user);
    return keys.map((key) => named.get(nameOf(key)));
  }
}
