import { describe, expect, test } from "vitest";
import { builtInRoles, permissions } from "../../../src/domain/caller/permission.ts";
import { Policy, PolicyError } from "../../../src/domain/caller/policy.ts";

const methods = new Set(["auth.v1.UserService/GetUser"]);
const account = "serviceAccounts/0b6f6c1e-8f5b-4c1a-9a55-0d6c3a6f7a10";
const web = { caller: "spiffe://example.org/ns/shop/sa/web", roles: ["verifier"] };
const parse = (document: unknown) =>
  Policy.parse(document, { methods, audiences: new Set(["shop", "orders", "billing"]) });
const faultsOf = (document: unknown) => {
  try {
    parse(document);
  } catch (error) {
    if (error instanceof PolicyError) return error.faults;
    throw error;
  }
  return [];
};

describe("a policy", () => {
  const policy = parse({
    roles: { support: ["users.get", "auth.v1.UserService/GetUser"] },
    callers: [
      web,
      { caller: "spiffe://example.org/ns/ops/*", roles: ["admin"] },
      { caller: "spiffe://example.org/ns/shop/*", roles: ["support"] },
      { caller: account, roles: ["registrar"] },
    ],
  });

  test("gives callers all the roles of all the rules that name them", () => {
    const grants = [...policy.grantsOf(web.caller, [])].sort();
    expect(grants).toEqual(["auth.v1.UserService/GetUser", "keys.get", "tokens.introspect", "users.get"]);
    expect(policy.grantsOf("spiffe://example.org/ns/ops/sa/a", []).size).toBe(permissions.length - 1);
    expect([...policy.grantsOf(account, ["verifier"])].sort()).toEqual([
      "keys.get",
      "passwords.validate",
      "tokens.introspect",
      "users.create",
      "users.get",
    ]);
  });

  test.each([
    "spiffe://example.org/ns/ops",
    "spiffe://example.org/ns/ops/",
    "spiffe://example.org/ns/opsy/sa/a",
    "spiffe://example.org/ns",
    "spiffe://other.org/ns/ops/sa/a",
    "spiffe://example.org/ns/shop/sa/web/",
    "serviceAccounts/other",
    "anonymous",
    "",
  ])("gives %j nothing", (caller) => {
    const grants = policy.grantsOf(caller, []);
    expect(grants.has("tokens.introspect")).toBe(false);
    expect(grants.has("users.create")).toBe(false);
  });

  test("a role that is gone permits nothing", () => {
    expect(policy.grantsOf("serviceAccounts/x", ["retired"]).size).toBe(0);
  });

  test("limits roles and rules to audiences and clients, and what is not limited adds up", () => {
    const limited = parse({
      roles: { a: { permissions: ["sessions.begin", "users.get"], audiences: ["shop", "orders"] } },
      callers: [
        { ...web, roles: ["a"], audiences: ["orders", "billing"], clients: ["ios"] },
        { caller: account, roles: ["authenticator"], clients: ["web"] },
      ],
    });
    const allows = (caller: string, roles: string[], audience: string, client: string) =>
      limited.grantsOf(caller, roles).scopeOf("sessions.begin", "")?.allows(audience, client);
    expect(allows(web.caller, [], "orders", "ios")).toBe(true);
    expect(allows(web.caller, [], "shop", "ios")).toBe(false);
    expect(allows(web.caller, [], "billing", "ios")).toBe(false);
    expect(allows(web.caller, [], "orders", "web")).toBe(false);
    expect(allows(account, [], "billing", "ios")).toBe(false);
    expect(allows(account, ["a"], "shop", "ios")).toBe(true);
    expect(allows(account, ["authenticator"], "billing", "ios")).toBe(true);
  });

  test("without a file there are the built-in roles, and nobody has one", () => {
    expect(Object.keys(builtInRoles).every((role) => Policy.builtIn.hasRole(role))).toBe(true);
    expect(Policy.builtIn.grantsOf(web.caller, []).size).toBe(0);
  });

  test("password hashes are exported by who is given that by a role of the policy's own, and by no other", () => {
    const roles = { mover: ["users.export", "users.exportHashes"] };
    const moving = parse({ roles, callers: [{ caller: account, roles: ["mover"] }] });
    expect(moving.grantsOf(account, []).has("users.exportHashes")).toBe(true);
    expect(Object.values(builtInRoles).flat()).not.toContain("users.exportHashes");
  });

  test("admin has every other permission, and no other role one over other callers", () => {
    const admin = [...(builtInRoles["admin"] ?? [])];
    expect([...admin, "users.exportHashes"].sort()).toEqual([...permissions].sort());
    for (const [role, grants] of Object.entries(builtInRoles)) {
      if (role !== "admin") expect(grants.filter((grant) => grant.startsWith("service"))).toEqual([]);
    }
  });
});

describe("is refused", () => {
  test.each<[string, unknown, RegExp]>([
    ["as no object", [], /"callers" must list/],
    ["empty", {}, /"callers" must list at least one/],
    ["without callers", { callers: [] }, /list at least one/],
    ["with another section", { callers: [web], role: {} }, /unknown section "role"/],
    ["with roles that are a list", { callers: [web], roles: [] }, /"roles" must be an object/],
    [
      "with a role of a permission that is none",
      { callers: [web], roles: { a: ["users.gett"] } },
      /role "a": unknown permission "users.gett"/,
    ],
    [
      "with a role of a method that is none",
      { callers: [web], roles: { a: ["auth.v1.UserService/Get"] } },
      /unknown method/,
    ],
    ["with a role of nothing", { callers: [web], roles: { a: [] } }, /must be a list of permissions/],
    ["with a role that is built in", { callers: [web], roles: { admin: ["users.get"] } }, /built in/],
    ["with a role of a strange name", { callers: [web], roles: { "A b": ["users.get"] } }, /invalid name/],
    [
      "with a role of __proto__",
      JSON.parse('{"callers":[],"roles":{"__proto__":["users.get"]}}'),
      /invalid name/,
    ],
    [
      "with a rule of a role that is none",
      { callers: [{ ...web, roles: ["verifyer"] }] },
      /unknown role "verifyer"/,
    ],
    ["with a rule of no roles", { callers: [{ ...web, roles: [] }] }, /"roles" must be a list/],
    ["with a rule for everybody", { callers: [{ ...web, caller: "*" }] }, /must be a SPIFFE ID/],
    [
      "with a rule for every trust domain",
      { callers: [{ ...web, caller: "spiffe://*" }] },
      /must be a SPIFFE ID/,
    ],
    [
      "with a rule that has a star within",
      { callers: [{ ...web, caller: "spiffe://a.b/*/c" }] },
      /must be a SPIFFE ID/,
    ],
    ["with a rule that says more", { callers: [{ ...web, deny: true }] }, /unknown key "deny"/],
    ["with a rule that is none", { callers: [null] }, /must be a SPIFFE ID/],
  ])("%s", (_name, document, fault) => expect(faultsOf(document).join("\n")).toMatch(fault));

  test.each<[string, object, RegExp]>([
    ["of a role of another part", { a: { permissions: ["users.get"], scope: [] } }, /unknown key "scope"/],
    ["of a role without permissions", { a: { audiences: ["shop"] } }, /must be a list of permissions/],
    [
      "of no audience",
      { a: { permissions: ["users.get"], audiences: [] } },
      /"audiences" must list at least one/,
    ],
    [
      "of an audience that is none",
      { a: { permissions: ["users.get"], audiences: ["shpo"] } },
      /"shpo" is not an audience/,
    ],
    [
      "of clients that are a text",
      { a: { permissions: ["users.get"], clients: "web" } },
      /"clients" must list/,
    ],
    [
      "of a client that is none",
      { a: { permissions: ["users.get"], clients: ["*"] } },
      /"\*" is not a client_id/,
    ],
  ])("with a limit %s", (_name, roles, fault) => {
    expect(faultsOf({ callers: [web], roles }).join("\n")).toMatch(fault);
  });

  test("with a rule that leaves nothing of its role", () => {
    const roles = { a: { permissions: ["sessions.begin"], audiences: ["shop"] } };
    const rule = { ...web, roles: ["a"], audiences: ["orders"] };
    expect(faultsOf({ callers: [rule], roles })).toEqual([
      `callers[0] ("${web.caller}"): role "a" and this rule have no audience or client in common`,
    ]);
  });

  test("with all faults at once", () => {
    expect(faultsOf({ callers: [{ ...web, caller: "x" }], roles: { a: ["b"], admin: ["c"] } })).toHaveLength(
      4,
    );
  });
});
