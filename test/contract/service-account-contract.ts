import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type {
  RelationalRepository,
  Repositories,
} from "../../src/interfaces/relationaldb/relational-repository.ts";
import { aCall } from "../support/calls.ts";

const hour = 3_600_000;

/** Sentence by sentence the service accounts of the port. */
export function serviceAccountContract(repositoryOf: () => RelationalRepository): void {
  const transaction = <T>(work: (repositories: Repositories) => Promise<T>) =>
    repositoryOf().transaction(aCall(), work);
  const read = () => repositoryOf().read(aCall()).serviceAccounts;
  const draft = (changes = {}) => {
    const id = randomUUID();
    return { id, name: `a-${id}`, displayName: "Billing", roles: ["verifier", "reader"], ...changes };
  };
  const insert = (account = draft()) => transaction(({ serviceAccounts }) => serviceAccounts.insert(account));
  const keyOf = (accountId: string, changes = {}) => {
    const key = {
      id: randomUUID(),
      accountId,
      displayName: "k",
      creator: "spiffe://prod.example/ops",
      digest: Buffer.from("digest"),
      expireTime: undefined,
    };
    return { ...key, ...changes };
  };
  const insertKey = (key: ReturnType<typeof keyOf>) =>
    transaction(({ serviceAccounts }) => serviceAccounts.insertKey(key));
  const as = (changes: object) => ({ displayName: "", roles: ["reader"], disabled: false, ...changes });

  describe("service accounts", () => {
    test("are found as they were added, at version 1", async () => {
      const added = draft();
      const account = await insert(added);
      expect(account).toMatchObject({ ...added, version: 1, etag: "1", disableTime: undefined });
      expect(account.caller).toBe(`serviceAccounts/${added.id}`);
      expect(account.createTime).toEqual(account.updateTime);
      expect(await read().find(added.id)).toEqual(account);
      expect(await read().find(randomUUID())).toBeUndefined();
    });

    test("added again with the same id are answered as they were added", async () => {
      const added = draft();
      expect(await insert(added)).toEqual(await insert(added));
    });

    test("of one name there is one", async () => {
      const { name } = await insert();
      await expect(insert(draft({ name }))).rejects.toMatchObject({ reason: "SERVICE_ACCOUNT_NAME_TAKEN" });
    });

    test("become what a draft says, and their version counts up", async () => {
      const account = await insert();
      const update = (changes: object, from = account) =>
        transaction(({ serviceAccounts }) => serviceAccounts.update(from, as(changes)));
      const changed = await update({ displayName: "B", roles: [] });
      expect(changed).toMatchObject({ displayName: "B", roles: [], version: 2, name: account.name });
      const disabled = await update({ disabled: true }, changed);
      expect(disabled.disableTime).toBeInstanceOf(Date);
      // Disabled twice: since the first time.
      expect((await update({ disabled: true }, disabled)).disableTime).toEqual(disabled.disableTime);
      await expect(update({}, disabled)).rejects.toMatchObject({ reason: "CONTENTION" });
    });

    test("are listed youngest first, page by page", async () => {
      const added = [await insert(), await insert(), await insert()];
      const ids = [];
      let after: { id: string; createTime: Date } | undefined;
      for (;;) {
        const [next] = await read().list(after, 1);
        if (next === undefined) break;
        ids.push(next.id);
        after = next;
      }
      expect(new Set(ids).size).toBe(ids.length);
      const inOrder = added.sort(
        (a, b) => b.createTime.getTime() - a.createTime.getTime() || (a.id < b.id ? 1 : -1),
      );
      const expected = inOrder.map(({ id }) => id);
      expect(ids.filter((id) => expected.includes(id))).toEqual(expected);
    });

    test("are deleted with their keys", async () => {
      const { id } = await insert();
      const { id: keyId } = await insertKey(keyOf(id));
      const remove = () => transaction(({ serviceAccounts }) => serviceAccounts.delete(id));
      expect([await remove(), await remove()]).toEqual([true, false]);
      expect(await read().find(id)).toBeUndefined();
      expect(await read().findKey(keyId)).toBeUndefined();
    });
  });

  describe("keys of service accounts", () => {
    test("are found with their account, and good", async () => {
      const account = await insert();
      const key = keyOf(account.id);
      const made = await insertKey(key);
      expect(made).toMatchObject({
        id: key.id,
        accountId: account.id,
        displayName: "k",
        creator: key.creator,
      });
      expect(made).not.toHaveProperty("digest");
      expect(await insertKey(key)).toEqual(made);
      const found = await read().findKey(key.id);
      expect(found).toMatchObject({ account, good: true, expireTime: undefined });
      expect(Buffer.from(found?.digest ?? []).toString()).toBe("digest");
      expect(await read().findKey(randomUUID())).toBeUndefined();
    });

    test.each([
      ["expired", -1, false],
      ["about to expire", hour, true],
    ])("that are %s are good or not by the database's clock", async (_what, ms, good) => {
      const { id } = await insert();
      const key = keyOf(id, { expireTime: new Date(Date.now() + ms) });
      await insertKey(key);
      expect(await read().findKey(key.id)).toMatchObject({ good, expireTime: key.expireTime });
    });

    test("are not good once they or their account are disabled", async () => {
      const account = await insert();
      const [one, other] = [keyOf(account.id), keyOf(account.id)];
      await insertKey(one);
      await insertKey(other);
      const disable = (id: string) => transaction(({ serviceAccounts }) => serviceAccounts.disableKey(id));
      const disabled = await disable(one.id);
      expect(disabled).toMatchObject({ disabled: true, key: { disableTime: expect.any(Date) } });
      expect(await disable(one.id)).toEqual({ key: disabled?.key, disabled: false });
      expect(await disable(randomUUID())).toBeUndefined();
      expect(await read().findKey(one.id)).toMatchObject({ good: false });
      expect(await read().findKey(other.id)).toMatchObject({ good: true });
      await transaction(({ serviceAccounts }) => serviceAccounts.update(account, as({ disabled: true })));
      expect(await read().findKey(other.id)).toMatchObject({ good: false });
    });

    test("are listed for their account, say when they were used, and are deleted", async () => {
      const account = await insert();
      const [one, other] = [keyOf(account.id), keyOf(account.id)];
      await insertKey(one);
      await insertKey(other);
      await insertKey(keyOf((await insert()).id));
      await transaction(({ serviceAccounts }) => serviceAccounts.touchKeys([one.id, randomUUID()]));
      const listed = await read().listKeys(account.id);
      expect(listed.map(({ id }) => id).sort()).toEqual([one.id, other.id].sort());
      expect(listed.find(({ id }) => id === one.id)?.lastUseTime).toBeInstanceOf(Date);
      expect(listed.find(({ id }) => id === other.id)?.lastUseTime).toBeUndefined();
      const remove = () => transaction(({ serviceAccounts }) => serviceAccounts.deleteKey(one.id));
      expect([await remove(), await remove()]).toEqual([true, false]);
      expect(await read().listKeys(account.id)).toHaveLength(1);
    });
  });
}
