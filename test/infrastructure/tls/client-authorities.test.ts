import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ClientAuthorities } from "../../../src/infrastructure/tls/client-authorities.ts";
import { Authority } from "../../support/authority.ts";

const hour = 3_600_000;
const root = new Authority("root");
const other = new Authority("other");
const sameName = new Authority("root");
const middle = root.intermediate("middle");
const lower = middle.intermediate("lower");
const caller = { commonName: "caller", uris: ["spiffe://prod.example/web"] };
const ofRoot = root.issue(caller);
const ofMiddle = middle.issue(caller);
const ofLower = lower.issue(caller);
const noAuthority = root.issue({ commonName: "middle" });
const shortRoot = new Authority("short", { endsIn: hour });
const pastRoot = new Authority("past", { startsIn: -2 * hour, endsIn: -hour });
const pastMiddle = root.intermediate("middle", { startsIn: -2 * hour, endsIn: -hour });
const again = new Authority("again");
/** One authority that two roots have signed. */
const long = again.intermediate("crossed", { endsIn: 20 * hour });

type Holder = Authority | { readonly cert: string };
const read = (holder: Holder) =>
  new X509Certificate(holder instanceof Authority ? holder.pair.cert : holder.cert);

const domain = "prod.example";
const verify = (bundles: Record<string, readonly Holder[]>, chain: readonly Holder[]) =>
  new ClientAuthorities(
    new Map(Object.entries(bundles).map(([name, bundle]) => [name, bundle.map(read)])),
  ).verify(chain.map(read));
const inHours = (bundle: readonly Holder[], chain: readonly Holder[]) => {
  const verdict = verify({ [domain]: bundle }, chain);
  return verdict.trustDomain && Math.round((verdict.validUntil - Date.now()) / hour);
};

describe("a chain is valid", () => {
  it.each<[string, Holder[], Holder[], number]>([
    ["of a root in the bundle", [root], [ofRoot], 24],
    ["of a root that it presents too", [root], [ofRoot, root], 24],
    ["of one root of several", [other, root, sameName], [ofRoot], 24],
    ["of an intermediate that it presents", [root], [ofMiddle, middle], 24],
    ["of an intermediate in the bundle", [root, middle], [ofMiddle], 24],
    ["of two intermediates in any order", [root], [ofLower, middle, lower], 24],
    ["among certificates that have nothing to do with it", [root], [ofRoot, other, middle], 24],
    ["until its own certificate expires", [root], [root.issue({ ...caller, endsIn: 2 * hour })], 2],
    ["until its root expires", [shortRoot], [shortRoot.issue(caller)], 1],
    ["by the intermediate that is valid for longer", [root], [ofMiddle, pastMiddle, middle], 24],
    ["until its intermediate expires", [again], [long.issue(caller), long], 20],
    ["in the past if its root has expired", [pastRoot], [pastRoot.issue(caller)], -1],
    ["in the past if it has expired", [root], [root.issue({ ...caller, endsIn: -3 * hour })], -3],
  ])("%s", (_what, bundle, chain, hours) => {
    expect(inHours(bundle, chain)).toBe(hours);
  });
});

describe("a chain is not valid", () => {
  it.each<[string, Holder[], Holder[]]>([
    ["without a bundle", [], [ofRoot, root]],
    ["of another root", [other], [ofRoot]],
    ["of a root that only it presents", [other], [ofRoot, root]],
    ["of a root of the same name with another key", [sameName], [ofRoot]],
    ["of an intermediate that is missing", [root], [ofMiddle]],
    ["of an intermediate whose root is missing", [middle], [ofMiddle, middle]],
    ["of an intermediate that is not an authority", [root], [ofMiddle, noAuthority]],
    ["that is empty", [root], []],
    ["that is self-signed", [root], [other]],
  ])("%s", (_what, bundle, chain) => {
    expect(inHours(bundle, chain)).toBeUndefined();
  });
});

describe("of several trust domains", () => {
  const bundles = { "a.example": [root], "b.example": [other] };
  const ofOther = other.issue(caller);
  /** The authority "crossed", whose key the roots of both domains have signed. */
  const crossed = root.intermediate("crossed");
  const crossedByOther = { cert: other.certify(crossed) };
  const ofCrossed = crossed.issue(caller);

  it.each<[string, Record<string, Holder[]>, Holder[], string]>([
    ["the one whose root has signed it", bundles, [ofRoot], "a.example"],
    ["the one whose root has signed it, among others", bundles, [ofOther], "b.example"],
    ["the one to whose root the intermediates lead", bundles, [ofLower, middle, lower], "a.example"],
    [
      "that one also beside roots and intermediates of others",
      bundles,
      [ofLower, other, lower, middle],
      "a.example",
    ],
    [
      "that one also by an intermediate in the bundle of another",
      { ...bundles, "b.example": [other, middle] },
      [ofMiddle],
      "a.example",
    ],
    [
      "the one that has cross-signed it",
      { "a.example": [root], "b.example": [again] },
      [ofCrossed, crossed],
      "a.example",
    ],
  ])("a chain belongs to %s", (_what, bundles, chain, trustDomain) => {
    expect(verify(bundles, chain)).toMatchObject({ trustDomain });
  });

  it.each<[string, Holder[], RegExp]>([
    [
      "that leads to none of their roots",
      [again.issue(caller)],
      /not signed by a CA of a configured trust domain/,
    ],
    [
      "that leads to none by an intermediate of their name",
      [ofMiddle, noAuthority],
      /not signed by a CA of a configured trust domain/,
    ],
    [
      "that leads to the roots of two",
      [ofCrossed, crossed, crossedByOther],
      /CAs of several trust domains \(a\.example, b\.example\); present only intermediates of its own/,
    ],
  ])("a chain belongs to none of them %s", (_what, chain, fault) => {
    const verdict = verify(bundles, chain);
    expect(verdict.trustDomain).toBeUndefined();
    expect(verdict.fault).toMatch(fault);
  });

  it("many copies of an intermediate are looked at once", () => {
    const copies = Array.from({ length: 200 }, () => [middle, lower, root]).flat();
    expect(verify(bundles, [ofLower, ...copies])).toMatchObject({ trustDomain: "a.example" });
  });
});
