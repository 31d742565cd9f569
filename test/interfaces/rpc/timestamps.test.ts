import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";
import { methods } from "../../canaries/filled-requests.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { errorOf, type RpcClients, rpcOn } from "../../support/rpc.ts";

interface Time {
  readonly seconds: bigint;
  readonly nanos?: number;
}

let rpc: RpcClients;
let userId: string;
let serviceAccountId: string;

beforeEach(async () => {
  rpc = rpcOn(new InMemoryRepository());
  const { user } = await rpc.users.createUser({ user: { username: "ada" } });
  userId = user?.id ?? "";
  const created = await rpc.serviceAccounts.createServiceAccount({ name: "billing", roles: ["verifier"] });
  serviceAccountId = created.serviceAccount?.id ?? "";
});

async function exported(filter: object): Promise<number> {
  let count = 0;
  for await (const { users } of rpc.transfers.exportUsers({ filter })) count += users.length;
  return count;
}

/** Every timestamp that a request takes, by its path. A new one has to come here too. */
const fields: Record<string, (time: Time) => Promise<unknown>> = {
  "SuspendUser until_time": (untilTime) => rpc.users.suspendUser({ id: userId, reason: "x", untilTime }),
  "ListUsers filter.created_after": (createdAfter) => rpc.users.listUsers({ filter: { createdAfter } }),
  "ListUsers filter.created_before": (createdBefore) => rpc.users.listUsers({ filter: { createdBefore } }),
  "UnlockUsers filter.created_after": (createdAfter) => rpc.users.unlockUsers({ filter: { createdAfter } }),
  "UnlockUsers filter.created_before": (createdBefore) =>
    rpc.users.unlockUsers({ filter: { createdBefore } }),
  "ExportUsers filter.created_after": (createdAfter) => exported({ createdAfter }),
  "ExportUsers filter.created_before": (createdBefore) => exported({ createdBefore }),
  "ListEvents created_after": (createdAfter) => rpc.events.listEvents({ createdAfter }),
  "ListEvents created_before": (createdBefore) => rpc.events.listEvents({ createdBefore }),
  "CreateServiceAccountKey expire_time": (expireTime) =>
    rpc.serviceAccounts.createServiceAccountKey({ serviceAccountId, expireTime }),
};

/** What can be in a request, except a user: its times are ignored, or are rows of an import. */
function timestampsOf(message: DescMessage, path = ""): string[] {
  if (message.typeName === "auth.v1.User") return [];
  return message.fields.flatMap((field: DescField) => {
    if (field.message === undefined) return [];
    const name = `${path}${field.name}`;
    if (field.message.typeName === "google.protobuf.Timestamp") return [name];
    return timestampsOf(field.message, `${name}.`);
  });
}

const last = 253_402_300_799n;
const first = -62_135_596_800n;

describe("the whole range of google.protobuf.Timestamp", () => {
  test("is tested for every timestamp of every request", () => {
    const found = methods.flatMap(({ name, input }) => timestampsOf(input).map((path) => `${name} ${path}`));
    expect(Object.keys(fields).sort()).toEqual(found.sort());
  });

  describe.each(Object.entries(fields))("%s", (name, call) => {
    const inPast = expect.stringMatching(/^(SUSPENSION|EXPIRY)_IN_PAST$/);
    const isFilter = name.includes("created_");

    test.each<[string, Time]>([
      ["its last second", { seconds: last }],
      ["its last millisecond", { seconds: last, nanos: 999_000_000 }],
      ["its last nanosecond", { seconds: last, nanos: 999_999_999 }],
    ])("accepts %s", async (_name, time) => {
      await call(time);
    });

    test.each<[string, Time]>([
      ["its first moment", { seconds: first }],
      ["its first nanosecond", { seconds: first, nanos: 1 }],
      ["a moment before 1970", { seconds: -1n, nanos: 999_999_999 }],
      ["the beginning of 1970", { seconds: 0n }],
    ])("accepts %s, or says that it is in the past", async (_name, time) => {
      if (isFilter) await call(time);
      else expect(await errorOf(call(time))).toMatchObject({ reason: inPast, fields: [name.split(" ")[1]] });
    });

    test.each<[string, Time]>([
      ["a second after it", { seconds: last + 1n }],
      ["a second before it", { seconds: first - 1n }],
      ["what no Date holds", { seconds: 10n ** 15n }],
      ["2^63 - 1 seconds", { seconds: 2n ** 63n - 1n }],
      ["-2^63 seconds", { seconds: -(2n ** 63n) }],
      ["negative nanos", { seconds: last, nanos: -1 }],
      ["a whole second of nanos", { seconds: 1n, nanos: 1_000_000_000 }],
      ["2^31 - 1 nanos at the end", { seconds: last, nanos: 2 ** 31 - 1 }],
    ])("refuses %s", async (_name, time) => {
      expect(await errorOf(call(time))).toMatchObject({
        code: Code.InvalidArgument,
        reason: "INVALID_REQUEST",
        fields: [name.split(" ")[1]],
      });
    });
  });

  test("an end of a suspension is answered as it was sent, down to the millisecond", async () => {
    for (const [nanos, kept] of [
      [0, 0],
      [999_000_000, 999_000_000],
      [999_999_999, 999_000_000],
    ] as const) {
      const untilTime = { seconds: last, nanos };
      const { user } = await rpc.users.suspendUser({ id: userId, reason: "x", untilTime });
      expect(user?.suspension?.untilTime).toMatchObject({ seconds: last, nanos: kept });
    }
  });

  test("a filter divides users as its nanoseconds say", async () => {
    const [user] = (await rpc.users.listUsers({})).users;
    const at = user!.createTime!;
    const count = async (filter: object) => (await rpc.users.listUsers({ filter })).users.length;
    const later = { seconds: at.seconds, nanos: at.nanos + 1 };
    expect(await count({ createdAfter: at })).toBe(1);
    expect(await count({ createdAfter: later })).toBe(0);
    expect(await count({ createdBefore: at })).toBe(0);
    expect(await count({ createdBefore: later })).toBe(1);
    expect(timestampDate(at).getTime()).toBeLessThanOrEqual(Date.now());
  });

  test.each<[Time, string]>([
    [{ seconds: first }, "userId"],
    [{ seconds: last, nanos: 999_999_999 }, "userId"],
    [{ seconds: last + 1n }, "refusal"],
    [{ seconds: first - 1n }, "refusal"],
    [{ seconds: 0n, nanos: -1 }, "refusal"],
    [{ seconds: 2n ** 63n - 1n }, "refusal"],
  ])("a row of an import with times of %o: %s", async (time, kind) => {
    const times = [
      { createTime: time },
      { deleteTime: time },
      { suspension: { reason: "x", startTime: time } },
      { suspension: { reason: "x", untilTime: time } },
    ];
    const users = times.map((changes, i) => ({ user: { username: `grace-${i}`, ...changes } }));
    const { results } = await rpc.transfers.importUsers(
      (async function* () {
        yield { users };
      })(),
    );
    expect(results.map(({ result }) => result.case)).toEqual(times.map(() => kind));
  });
});
