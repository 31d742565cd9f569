import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { errorOf, rpcOn } from "../../support/rpc.ts";

test("a call is one line: method, code, duration, request id, caller; never what it said", async () => {
  const { users, log } = rpcOn(new InMemoryRepository());
  await users.createUser({ user: { email: "ada@example.com" }, password: "correct horse battery" });
  expect(log).toEqual([
    {
      level: "info",
      fields: {
        method: "auth.v1.UserService/CreateUser",
        code: "OK",
        durationMs: expect.any(Number),
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        caller: "anonymous",
      },
    },
  ]);
  expect(JSON.stringify(log)).not.toMatch(/ada|horse/);
});

test("the caller's request id is taken where it is one, and comes back with an error", async () => {
  const { users, log } = rpcOn(new InMemoryRepository());
  const call = (requestId: string) => users.getUser({ id: "x" }, { headers: { "x-request-id": requestId } });
  expect((await errorOf(call("mesh-42:a"))).requestId).toBe("mesh-42:a");
  expect((await errorOf(call('"},{"level":"fatal'))).requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect((await errorOf(call("x".repeat(129)))).requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(log.map(({ level, fields }) => [level, fields.code])).toEqual(
    Array(3).fill(["info", "INVALID_ARGUMENT"]),
  );
});

test("a defect is an error with its cause, which the caller does not get", async () => {
  const repository = new InMemoryRepository();
  repository.read = () => {
    throw new Error("column of ada@example.com is broken");
  };
  const { users, log } = rpcOn(repository);
  const error = await errorOf(users.getUser({ id: "0b8e4c1e-9b9c-4b57-a8b5-0b0b4b0d5d11" }));
  expect(error).toMatchObject({ code: Code.Internal, message: "internal error", reason: "INTERNAL" });
  expect(log).toMatchObject(
    [
      {
        level: "error",
        fields: { code: "INTERNAL", requestId: error.requestId, err: { message: /broken/ } },
      },
    ].map(({ fields, ...line }) => ({ ...line, fields: { ...fields, err: expect.any(Error) } })),
  );
});
