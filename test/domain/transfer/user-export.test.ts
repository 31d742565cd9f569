import { expect, test } from "vitest";
import { aCall } from "../../support/calls.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { servicesOn } from "../../support/services.ts";

test("an export of password hashes ends at the next page once the grant is taken away", async () => {
  const { transfers, users } = servicesOn(new InMemoryRepository());
  for (let i = 0; i < 501; i++) {
    const names = { email: `ada-${i}@example.com`, username: undefined, displayName: "", attributes: {} };
    await users.create(aCall(), { ...names, password: undefined, requestId: undefined });
  }
  let granted = true;
  const call = { ...aCall(), may: () => granted };
  const pages = transfers.export(call, {
    emailPrefix: undefined,
    state: undefined,
    showDeleted: false,
    includePasswordHashes: true,
    pageToken: "",
  } as never);
  expect((await pages.next()).value?.users).toHaveLength(500);
  granted = false;
  await expect(pages.next()).rejects.toMatchObject({ reason: "PERMISSION_DENIED" });
});
