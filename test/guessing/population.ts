import { randomUUID } from "node:crypto";
import { password } from "../support/services.ts";
import type { TwoServices } from "../tokens/two-services.ts";

/**
 * So many users of one kind, copied from one in the database, because each that is created costs a hash. Answers their
 * names, which are as long as `newName`'s. Each has a hash of their own (`DecoyHashes` counts hashes), of no known password.
 */
export async function copiesOf(
  services: TwoServices,
  count: number,
  become: (id: string) => Promise<unknown> = async () => {},
  initial: string = password,
): Promise<string[]> {
  const { user } = await services.first.users.createUser({
    user: { username: newName() },
    password: initial,
  });
  await become(user!.id);
  const names = Array.from({ length: count }, newName);
  await services.query(
    `with copied as (
       insert into users
       select (jsonb_populate_record(users, jsonb_build_object(
         'id', gen_random_uuid(), 'username', name, 'username_key', name))).*
       from users, unnest($2::text[]) as name
       where users.id = $1
       returning id
     )
     insert into credentials
     select (jsonb_populate_record(credentials, jsonb_build_object(
       'user_id', copied.id,
       'password_hash', overlay(password_hash placing left(copied.id::text, 8) from length(password_hash) - 12 for 8)))).*
     from credentials, copied
     where credentials.user_id = $1`,
    [user!.id, names],
  );
  return names;
}

export const newName = () => `u-${randomUUID()}`;
