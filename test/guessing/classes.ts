import { randomBytes, randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { hash } from "@node-rs/argon2";
import type { ApiClients } from "../support/clients.ts";
import { password } from "../support/services.ts";
import type { TwoServices } from "../tokens/two-services.ts";

/** Whom somebody may turn out to be: by what is typed into a login box, and by id. */
export interface Named {
  readonly identifier: string;
  readonly userId: string;
}

type Instance = Pick<TwoServices, "query"> & { readonly clients: ApiClients };

/** Makes a new one of a class each time. */
export type NewOf = (instance: Instance) => Promise<Named>;

// Made by bcrypt 4.0.1 for Python.
export const foreignHash = "$2b$10$H6IYsU0TBoMzZ5t8S0tgpuPRcx14dsBch1sOgdXlfQeGe7B1XOma.";
export const oldHash = await hash(password, {
  memoryCost: 19_456,
  timeCost: 1,
  parallelism: 1,
  salt: randomBytes(16),
});

/** Names of one length, whoever has them. */
const newName = () => `u-${randomUUID()}`;

const aUser =
  (
    become: (instance: Instance, id: string) => Promise<unknown> = async () => {},
    initial: string = password,
  ): NewOf =>
  async (instance) => {
    const username = newName();
    const { user } = await instance.clients.users.createUser({ user: { username }, password: initial });
    await become(instance, user!.id);
    return { identifier: username, userId: user!.id };
  };

const withHash = (passwordHash: string) =>
  aUser(({ query }, id) =>
    query("update credentials set password_hash = $1 where user_id = $2", [passwordHash, id]),
  );

const typed =
  (identifier: () => string): NewOf =>
  async () => ({ identifier: identifier(), userId: randomUUID() });

/** Everybody whom a wrong password is the same for. */
export const classes = {
  wrong: aUser(),
  unknown: typed(newName),
  suspended: aUser(({ clients }, id) => clients.users.suspendUser({ id, reason: "test" })),
  "suspended for a while": aUser(({ clients }, id) =>
    clients.users.suspendUser({ id, reason: "test", untilTime: timestampFromMs(Date.now() + 3_600_000) }),
  ),
  deleted: aUser(({ clients }, id) => clients.users.deleteUser({ id })),
  passwordless: aUser(undefined, ""),
  "of another kind": async (instance) => {
    const { userId, identifier } = await aUser()(instance);
    return { userId: randomUUID(), identifier: `${identifier}@${userId}.example` };
  },
  "no identifier at all": typed(() => `u ${randomUUID()}`),
  "an email that cannot be": typed(() => `${newName()}@-`),
  "an old hash": withHash(oldHash),
  "a foreign hash": withHash(foreignHash),
  "a hash that cannot be read": withHash("$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AA"),
} satisfies Record<string, NewOf>;

export type ClassName = keyof typeof classes;
