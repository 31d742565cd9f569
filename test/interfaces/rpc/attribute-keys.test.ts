import { create, fromJson, toJson } from "@bufbuild/protobuf";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { assert, asyncProperty, stringMatching } from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { listenHttp } from "../../../src/infrastructure/http/listen-http.ts";
import { unknownMethod } from "../../../src/interfaces/rpc/errors.ts";
import { createAdmission } from "../../../src/interfaces/rpc/interceptors/authorize.ts";
import { logCalls } from "../../../src/interfaces/rpc/interceptors/log-calls.ts";
import { validateRequests } from "../../../src/interfaces/rpc/interceptors/validate.ts";
import { createRoutes, permissionsOfMethods } from "../../../src/interfaces/rpc/routes.ts";
import { contextOf } from "../../../src/interfaces/rpc/rpc-call.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { errorOf, rpcOn } from "../../support/rpc.ts";
import { servicesOn } from "../../support/services.ts";

/** All that an earlier release accepted, and more. */
const candidates = stringMatching(/^[a-z_][a-zA-Z0-9_]{0,70}$/);
/** Mostly keys that are accepted now. */
const words = stringMatching(/^[a-z][a-z0-9]{0,5}(_[a-z][a-z0-9]{0,5}){0,5}$/);

/** A path as it arrives if it is sent in JSON, or undefined if JSON cannot carry it. */
function throughJson(path: string): string | undefined {
  try {
    const json = toJson(FieldMaskSchema, create(FieldMaskSchema, { paths: [path] }));
    return fromJson(FieldMaskSchema, json).paths[0];
  } catch {
    return undefined;
  }
}

describe("every key of an attribute that the API accepts", () => {
  test.each([
    ["mostly accepted", words],
    ["mostly refused", candidates],
  ])("can be set and removed by a mask that was sent in JSON: keys that are %s", async (_name, keys) => {
    const { users } = rpcOn(new InMemoryRepository());
    const { user } = await users.createUser({ user: { username: "ada" } });
    const id = user?.id ?? "";
    await assert(
      asyncProperty(keys, async (key) => {
        const set = { user: { id, attributes: { [key]: "x" } }, updateMask: { paths: ["attributes"] } };
        const isAccepted = await users.updateUser(set).then(
          () => true,
          () => false,
        );
        const path = throughJson(`attributes.${key}`);
        if (!isAccepted) return;
        expect(path).toBe(`attributes.${key}`);
        const mask = { paths: [path ?? ""] };
        await users.updateUser({ user: { id }, updateMask: mask });
        const added = await users.updateUser({ ...set, updateMask: mask });
        expect(added.user?.attributes).toEqual({ [key]: "x" });
        const removed = await users.updateUser({ user: { id }, updateMask: mask });
        expect(removed.user?.attributes).toEqual({});
      }),
    );
  });

  test.each(["address_2", "a__b", "a_", "_a", "Address", "addressLine", "a-b", "1a", "", "a".repeat(64)])(
    "is not %j",
    async (key) => {
      const { users, transfers } = rpcOn(new InMemoryRepository());
      const user = { username: "ada", attributes: { [key]: "x" } };
      const refused = {
        code: Code.InvalidArgument,
        reason: "INVALID_REQUEST",
        fields: [`user.attributes["${key}"]`],
      };
      expect(await errorOf(users.createUser({ user }))).toMatchObject(refused);
      const rows = (async function* () {
        yield { users: [{ user }] };
      })();
      expect((await transfers.importUsers(rows)).refusedCount).toBe(1);
    },
  );

  test("over HTTP in JSON: a mask in lowerCamelCase sets and removes it, and a misspelt one is refused", async () => {
    const services = servicesOn(new InMemoryRepository());
    const listener = await listenHttp({
      address: "127.0.0.1:0",
      routes: createRoutes(services),
      interceptors: [
        logCalls({ info() {}, warn() {}, error() {} }),
        createAdmission(services.callers, permissionsOfMethods).authorize,
        validateRequests,
      ],
      live: () => true,
      ready: () => true,
      contextOf,
      unknownMethod,
    });
    onTestFinished(() => listener.drain(0));
    const post = async (method: string, body: object) => {
      const response = await fetch(`http://${listener.address}/auth.v1.UserService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return (await response.json()) as {
        code?: string;
        user: { id: string; attributes?: Record<string, string> };
      };
    };
    const { user } = await post("CreateUser", { user: { username: "ada" } });
    const update = (attributes: object, updateMask: string) =>
      post("UpdateUser", { user: { id: user.id, attributes }, updateMask });
    const keys = { street_name: "streetName", address2: "address2", a_b1_c: "aB1C", team: "team" };
    for (const [key, json] of Object.entries(keys)) {
      expect((await update({ [key]: "x" }, `attributes.${json}`)).user.attributes).toEqual({ [key]: "x" });
      expect((await update({}, `attributes.${json}`)).user.attributes).toBeUndefined();
    }
    for (const mask of ["attributes.address2", "attributes.streetName2", "attributes.address_2"]) {
      expect(await update({ address_2: "x" }, mask)).toMatchObject({ code: "invalid_argument" });
      expect(await update({}, mask)).toMatchObject({ code: "invalid_argument" });
    }
  });

  test("a mask that names neither an attribute of the request nor one of the user is refused", async () => {
    const { users } = rpcOn(new InMemoryRepository());
    const { user } = await users.createUser({ user: { username: "ada", attributes: { address2: "x" } } });
    for (const path of ["attributes.address_2", "attributes.address", "attributes.address2.x"]) {
      const call = users.updateUser({ user: { id: user?.id ?? "" }, updateMask: { paths: [path] } });
      expect(await errorOf(call)).toMatchObject({ reason: "UPDATE_MASK_INVALID", fields: ["update_mask"] });
    }
  });
});
