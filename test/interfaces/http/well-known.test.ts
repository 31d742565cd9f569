import { createLocalJWKSet, jwtVerify } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import type { KeyRing } from "../../../src/domain/signing-key/key-ring.ts";
import { wellKnownDocuments } from "../../../src/interfaces/http/well-known.ts";
import { aCall } from "../../support/calls.ts";
import { Clocks, day, minute, second } from "../../support/clocks.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { aKeyRing, aSession, issuer, schedule, tokenParts } from "../../support/token-parts.ts";

let clocks: Clocks;
let repository: InMemoryRepository;
let ring: KeyRing;

beforeEach(async () => {
  clocks = new Clocks();
  repository = new InMemoryRepository(clocks.database);
  ring = aKeyRing(repository, clocks);
  await ring.maintain(aCall());
});

const served = async (path: string, at = issuer, keyRing = ring) => {
  const { body, ...rest } = await (wellKnownDocuments(at, keyRing).get(path) ?? expect.fail())();
  return { ...rest, content: JSON.parse(body) };
};
const keys = async () => (await served("/.well-known/jwks.json")).content.keys;

test("there are three documents", () => {
  expect([...wellKnownDocuments(issuer, ring).keys()]).toEqual([
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
  ]);
});

describe("jwks.json", () => {
  test("has the public halves of the keys, member by member, and nothing else", async () => {
    const [key] = ring.published();
    expect(await served("/.well-known/jwks.json")).toEqual({
      contentType: "application/jwk-set+json",
      maxAgeSeconds: 300,
      content: {
        keys: [
          {
            kid: key?.id,
            kty: "OKP",
            alg: "EdDSA",
            use: "sig",
            crv: "Ed25519",
            x: expect.stringMatching(/^[\w-]{43}$/),
          },
        ],
      },
    });
  });

  test("has the next key first, until the one before is retired", async () => {
    const [first] = await keys();
    clocks.pass(schedule.rotationMs);
    await ring.maintain(aCall());
    const [next, ...others] = await keys();
    expect(others).toEqual([first]);
    clocks.pass(2 * schedule.maxAgeMs + schedule.tokenLifetimeMs);
    expect(await keys()).toEqual([next]);
  });

  test("is what somebody else verifies a token with (jose)", async () => {
    const { issuer: tokenIssuer } = tokenParts(repository, clocks, ring);
    const at = await aSession(repository);
    const { accessToken } = tokenIssuer.issue(at);
    const { content } = await served("/.well-known/jwks.json");
    const { payload, protectedHeader } = await jwtVerify(accessToken.reveal(), createLocalJWKSet(content), {
      issuer,
      audience: "orders",
      typ: "at+jwt",
      currentDate: clocks.database(),
    });
    expect(payload.sub).toBe(at.session.userId);
    expect(protectedHeader.kid).toBe(content.keys[0].kid);
  });

  test("is read anew where a key that signs may be unknown, and is what is known where that fails", async () => {
    const other = aKeyRing(repository, clocks);
    const kids = async () => {
      const { content } = await served("/.well-known/jwks.json", issuer, other);
      return content.keys.map(({ kid }: { kid: string }) => kid);
    };
    expect(await kids()).toEqual(ring.published().map(({ id }) => id));
    clocks.pass(30 * day);
    await ring.maintain(aCall());
    const { read } = repository;
    repository.read = () => {
      throw new Error("the database has gone");
    };
    expect(await kids()).toHaveLength(1);
    repository.read = read;
    expect(await kids()).toEqual(ring.published().map(({ id }) => id));
  });
});

describe("the metadata", () => {
  test.each(["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"])(
    "%s says who issues and where the keys are",
    async (path) => {
      expect(await served(path)).toEqual({
        contentType: "application/json",
        maxAgeSeconds: 300,
        content: {
          issuer,
          jwks_uri: `${issuer}/.well-known/jwks.json`,
          response_types_supported: [],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["ES256", "EdDSA"],
        },
      });
    },
  );

  test("of an issuer with a path has the keys below it", async () => {
    const { content } = await served("/.well-known/openid-configuration", "https://auth.test/tenant");
    expect(content.issuer).toBe("https://auth.test/tenant");
    expect(content.jwks_uri).toBe("https://auth.test/tenant/.well-known/jwks.json");
  });
});

test.each([
  [1_999, 1],
  [10 * minute, 600],
  [second, 1],
])("a max-age of %i ms is %i whole seconds", async (maxAgeMs, seconds) => {
  const short = aKeyRing(repository, clocks, { schedule: { ...schedule, maxAgeMs } });
  expect((await served("/.well-known/jwks.json", issuer, short)).maxAgeSeconds).toBe(seconds);
});
