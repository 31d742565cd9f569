import { describe, expect, test } from "vitest";
import { Grants, intersection, type Limit, Scope } from "../../../src/domain/caller/grants.ts";

const limit = (audiences?: readonly string[], clients?: readonly string[]): Limit => ({
  audiences: audiences && new Set(audiences),
  clients: clients && new Set(clients),
});
const scope = (...limits: readonly Limit[]) => Scope.of(limits);
const grants = (...parts: readonly (readonly [grant: string, limit: Limit])[]) =>
  Grants.of(parts.map(([grant, limit]) => ({ grants: [grant], limit })));

describe("a scope", () => {
  test.each<[string, Scope, readonly [audience: string, client: string, allowed: boolean][]]>([
    ["without limits", scope(limit()), [["shop", "web", true]]],
    ["of nothing", scope(), [["shop", "web", false]]],
    [
      "of audiences",
      scope(limit(["shop", "orders"])),
      [
        ["shop", "web", true],
        ["orders", "ios", true],
        ["billing", "web", false],
      ],
    ],
    [
      "of clients",
      scope(limit(undefined, ["web"])),
      [
        ["shop", "web", true],
        ["shop", "ios", false],
      ],
    ],
    [
      "of two limits, each of which holds as a whole",
      scope(limit(["shop"], ["web"]), limit(["orders"], ["ios"])),
      [
        ["shop", "web", true],
        ["orders", "ios", true],
        ["shop", "ios", false],
        ["orders", "web", false],
      ],
    ],
    ["of a limit and none", scope(limit(["shop"]), limit()), [["orders", "web", true]]],
  ])("%s", (_what, scope, cases) => {
    for (const [audience, client, allowed] of cases) expect(scope.allows(audience, client)).toBe(allowed);
  });

  test.each<[string, Scope, Scope, boolean]>([
    ["everything covers a part", Scope.everywhere, scope(limit(["a"])), true],
    ["a part does not cover everything", scope(limit(["a"])), Scope.everywhere, false],
    ["a part of clients does not cover everything", scope(limit(undefined, ["x"])), Scope.everywhere, false],
    ["more audiences cover fewer", scope(limit(["a", "b"])), scope(limit(["b"])), true],
    ["fewer audiences do not cover more", scope(limit(["a"])), scope(limit(["a", "b"])), false],
    ["all clients cover one", scope(limit(["a"])), scope(limit(["a"], ["x"])), true],
    ["one client does not cover all", scope(limit(["a"], ["x"])), scope(limit(["a"])), false],
    ["two limits cover both together", scope(limit(["a"]), limit(["b"])), scope(limit(["a", "b"])), true],
    [
      "two limits do not cover what lies between them",
      scope(limit(["a"], ["x"]), limit(["b"], ["y"])),
      scope(limit(["a", "b"], ["x", "y"])),
      false,
    ],
    ["nothing is covered by all", scope(), scope(), true],
  ])("%s", (_what, one, other, covers) => expect(one.covers(other)).toBe(covers));

  test("that two limits leave is what both allow", () => {
    expect(intersection(limit(["a", "b"]), limit(["b", "c"], ["x"]))).toEqual(limit(["b"], ["x"]));
    expect(intersection(limit(), limit())).toEqual(limit());
  });
});

describe("grants", () => {
  test("of one permission add up", () => {
    const both = grants(["sessions.begin", limit(["a"])], ["sessions.begin", limit(["b"])]);
    const found = both.scopeOf("sessions.begin", "m");
    expect([found?.allows("a", "x"), found?.allows("b", "x"), found?.allows("c", "x")]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("of a permission and of its method add up", () => {
    const both = grants(["sessions.begin", limit(["a"])], ["s/Begin", limit(["b"])]);
    const found = both.scopeOf("sessions.begin", "s/Begin");
    expect([found?.allows("a", "x"), found?.allows("b", "x")]).toEqual([true, true]);
    expect(both.scopeOf("sessions.begin", "s/Other")?.allows("b", "x")).toBe(false);
    expect(both.scopeOf("users.get", "s/Other")).toBeUndefined();
  });

  test("of everything lack nothing, and those of nothing lack the first", () => {
    const some = grants(["users.get", limit()]);
    expect(Grants.everything.firstLacking(some)).toBeUndefined();
    expect(Grants.none.firstLacking(some)).toBe("users.get");
    expect(Grants.none.firstLacking(Grants.none)).toBeUndefined();
    expect(Grants.everything.has("users.get")).toBe(true);
  });

  test("lack what they have for fewer audiences", () => {
    const narrow = grants(["users.get", limit()], ["sessions.begin", limit(["a"])]);
    const wide = grants(["users.get", limit()], ["sessions.begin", limit(["a", "b"])]);
    expect(narrow.firstLacking(wide)).toBe("sessions.begin");
    expect(wide.firstLacking(narrow)).toBeUndefined();
  });
});
