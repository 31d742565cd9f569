import { performance } from "node:perf_hooks";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PasswordHashRefused } from "../../../../src/infrastructure/crypto/password-hashes/password-hash.ts";
import { readPasswordHash } from "../../../../src/infrastructure/crypto/password-hashes/read-password-hash.ts";
import { stress } from "../../../support/stress.ts";
import { foreignHashes } from "./foreign-hashes.ts";

const refusalOf = (text: string) => {
  try {
    readPasswordHash(text);
  } catch (error) {
    if (error instanceof PasswordHashRefused) return error.message;
    throw error;
  }
  return undefined;
};

const salt = "c2FsdHNhbHRzYWx0c2FsdA";
const digest = "kOSHtY/s6v2PPY7Ia6x1tJcI9J1NEgv6thPLufATWTo";
const bcryptRest = "LhayLxezLhK1LhWvKxCyLOj0j1u.Kj0jZ0pEmm134uzrQlFvQJLF6";
const sha512Rest = "k5ka2p8bFuSmoVT1tzOyyuaREkkKBcCNqoDKzYiJL9RaE8yMnPgh2XzzF0NDrUhgrcLwg78xs1w5pJiypEdFX/";
const keycloakOf = (
  credentialData: object,
  secretData: object = { value: `${digest}=`, salt: `${salt}==` },
) =>
  JSON.stringify({ credentialData: JSON.stringify(credentialData), secretData: JSON.stringify(secretData) });
const keycloakArgon2 = (parameters: object) =>
  keycloakOf({
    hashIterations: 5,
    algorithm: "argon2",
    additionalParameters: {
      hashLength: ["32"],
      memory: ["7168"],
      type: ["id"],
      version: ["1.3"],
      parallelism: ["1"],
      ...parameters,
    },
  });
const aspNetOf = (digestNumber: number, iterations: number, saltLength = 16) => {
  const head = Buffer.alloc(13, 1);
  head.writeUInt32BE(digestNumber, 1);
  head.writeUInt32BE(iterations, 5);
  head.writeUInt32BE(saltLength, 9);
  return Buffer.concat([head, Buffer.alloc(48, 7)]).toString("base64");
};

describe("costs beyond the budget are refused before anything is computed", () => {
  test.each([
    ["argon2 with 4 GiB", `$argon2id$v=19$m=4194304,t=1,p=1$${salt}$${digest}`],
    ["argon2 just above 256 MiB", `$argon2id$v=19$m=262145,t=1,p=1$${salt}$${digest}`],
    ["argon2 with more passes than its memory allows", `$argon2id$v=19$m=262144,t=17,p=1$${salt}$${digest}`],
    ["argon2 with a billion passes over little", `$argon2i$v=19$m=8,t=1000000000,p=1$${salt}$${digest}`],
    ["argon2 with 255 lanes", `$argon2id$v=19$m=262144,t=1,p=255$${salt}$${digest}`],
    ["argon2 with numbers past 2^53", `$argon2id$v=19$m=9999999999,t=9999999999,p=1$${salt}$${digest}`],
    ["bcrypt with a cost of 16", `$2b$16$${bcryptRest}`],
    ["bcrypt with a cost of 31", `$2y$31$${bcryptRest}`],
    ["bcrypt under another label", `$wp$2y$16$${bcryptRest}`],
    ["scrypt with 1 GiB", `$scrypt$ln=20,r=8,p=1$${salt}$${digest}`],
    ["scrypt with 256 MiB four times", `$scrypt$ln=18,r=8,p=4$${salt}$${digest}`],
    ["scrypt with an N of its own of 2^31", `$scrypt$ln=2147483648,r=8,p=1$${salt}$${digest}`],
    ["scrypt with a large r", `$scrypt$ln=1,r=1000000,p=1$${salt}$${digest}`],
    ["scrypt with a large p", `$scrypt$ln=1,r=1,p=1000000$${salt}$${digest}`],
    ["$7$ with N of 2^63", `$7$zU..../....salt$${"a".repeat(42)}.`],
    ["Firebase scrypt", `$firescrypt-stream$ln=40,r=8,p=1$${salt}$${digest}`],
    ["Django scrypt", `scrypt$1073741824$salt$8$1$${digest}=`],
    ["PBKDF2 with a billion iterations", `$pbkdf2-sha256$i=1000000000,l=32$${salt}$${digest}`],
    ["PBKDF2 of two blocks each", `$pbkdf2-sha1$i=2000001,l=32$${salt}$${digest}`],
    ["passlib's PBKDF2", `$pbkdf2-sha512$4000001$${salt}$${digest}`],
    ["Django's PBKDF2", `pbkdf2_sha256$9999999999$salt$${digest}=`],
    ["ASP.NET Identity", aspNetOf(2, 0xffffffff)],
    [
      "Keycloak's PBKDF2",
      keycloakOf({ hashIterations: 1e9, algorithm: "pbkdf2-sha512", additionalParameters: {} }),
    ],
    ["Keycloak's argon2", keycloakArgon2({ memory: ["4194304"] })],
    ["SHA-crypt", `$6$rounds=1000001$saltstring$${sha512Rest}`],
    ["SHA-crypt, the most that it can ask for", `$6$rounds=999999999$saltstring$${sha512Rest}`],
    ["phpass with 2^20 rounds", `$P$I${"84478476IagS59wHZvyQMArzfx58u."}`],
    ["Drupal with 2^30 rounds", "$S$S33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf"],
  ])("%s", (_name, text) => {
    const startedAt = performance.now();
    expect(refusalOf(text)).toMatch(/^asks for more or less than is checked: .+ must be \d+ to \d+$/);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test.each([
    ["argon2 without a pass", `$argon2id$v=19$m=65536,t=0,p=1$${salt}$${digest}`],
    ["argon2 with less memory than its lanes need", `$argon2id$v=19$m=31,t=1,p=4$${salt}$${digest}`],
    ["bcrypt with a cost of 3", `$2b$03$${bcryptRest}`],
    ["PBKDF2 without an iteration", `$pbkdf2-sha256$i=0,l=32$${salt}$${digest}`],
    ["SHA-crypt with fewer rounds than it has", `$6$rounds=999$saltstring$${sha512Rest}`],
    ["Kratos' scrypt with an N that is no power of two", `$scrypt$ln=16385,r=8,p=1$${salt}$${digest}`],
  ])("and costs below what there is: %s", (_name, text) => {
    expect(refusalOf(text)).toMatch(/^asks for more or less than is checked: /);
  });
});

describe("a salt or digest whose length is not supported is refused, with its length", () => {
  const long = Buffer.alloc(129).toString("base64").replace(/=/g, "");
  test.each([
    ["a short digest of argon2", `$argon2id$v=19$m=4096,t=1,p=1$${salt}$AAAAAAAAAAAAAAAAAAAA`],
    ["a long digest of argon2", `$argon2id$v=19$m=4096,t=1,p=1$${salt}$${long}`],
    ["a long salt of argon2", `$argon2id$v=19$m=4096,t=1,p=1$${long}$${digest}`],
    ["a short salt of argon2", `$argon2id$v=19$m=4096,t=1,p=1$AAAAAAAA$${digest}`],
    ["no salt of PBKDF2", `$pbkdf2-sha256$i=1000$$${digest}`],
    ["a short key of PBKDF2", `$pbkdf2-sha256$i=1000$${salt}$AAAA`],
    ["a short digest of SHA-256", `$sha256$pf=e1NBTFR9e1BBU1NXT1JEfQ$${salt}$AAAAAAAAAAAAAAAAAAAAAA`],
    ["a short HMAC", "$hmac-sha256$ZmU4Njk3Zjc0MmQwODA0MDVkMTI3MGU2MTYzMzE2Zjk=$MTIzNDU="],
  ])("%s", (_name, text) => {
    expect(refusalOf(text)).toMatch(/^has a (salt|digest) of \d+ bytes; it must have \d+( to \d+)?$/);
  });
});

describe("what cannot be read is refused for what is wrong with it", () => {
  const argon2Of = (costs: string) => `$argon2id$v=19$${costs}$${salt}$${digest}`;
  const springPbkdf2 =
    "{pbkdf2}77e618e69d85865ade421cc1a6fc8dbdf7d8339f63456afdf84047596caa36ad036811756ec1b6e0";
  test.each([
    ["nothing", "", "is empty"],
    ["blanks", " \n", "is empty"],
    ["a password", "correct horse battery staple", "is not in a supported format"],
    ["a password of Spring's", "{noop}secret", "is a password in plain text: hash it before the import"],
    ["a password of LDAP's", "{CLEARTEXT}secret", "is a password in plain text: hash it before the import"],
    ["a password behind {ldap}", "{ldap}secret", "is not in a supported format"],
    [
      "MD4 of Spring Security 6.5.1",
      "{MD4}{QgQn5Iqftv2OLulCi4+WV+ITGrR46cKomcV8afSOAew=}a39321db3d757655b5a9ca4784a45857",
      "uses MD4, which is not supported",
    ],
    [
      "HMAC-MD4 of Kratos",
      "$hmac-md4$MWQ5ZTI4Nzc2Zjg4YmE2MTQ5YjQ0OTMyOGE4NWU4YjA=$MTIzNDU=",
      "uses MD4, which is not supported",
    ],
    [
      "argon2d",
      `$argon2d$v=19$m=4096,t=3,p=1$${salt}$${digest}`,
      "uses argon2d, which is not supported: expected argon2id or argon2i",
    ],
    ["yescrypt", `$y$j9T$abcdefgh$${"a".repeat(43)}`, "uses yescrypt, which is not supported"],
    ["DES", "{CRYPT}rEK1ecacw.7.c", "is not in a supported format"],
    ["MySQL", `*${"2470C0C06D".repeat(4)}`, "is a native hash of MySQL, which is not supported"],
    ["passwd(5)", "x", "is the placeholder of passwd(5): the hash is in the shadow file"],
    ["passwd(5) in LDAP", "{CRYPT}x", "is the placeholder of passwd(5): the hash is in the shadow file"],
    ["an unknown id", `{rot13}$2b$05$${bcryptRest}`, "has an encoder id or scheme that is not supported"],
    ["two labels", `{CRYPT}{rot13}$2b$05$${bcryptRest}`, "has an encoder id or scheme that is not supported"],
    [
      "bcrypt of a faulty implementation",
      `$2x$05$${bcryptRest}`,
      "is of a version of bcrypt that is not supported: expected 2a, 2b or 2y",
    ],
    [
      "bcrypt without a letter",
      `$2$05$${bcryptRest}`,
      "is of a version of bcrypt that is not supported: expected 2a, 2b or 2y",
    ],
    ["half of bcrypt", "$2b$05$LhayLxez", "is not a valid bcrypt hash: it has 15 characters instead of 60"],
    [
      "bcrypt with unused bits in its digest",
      `$2b$05$${bcryptRest.slice(0, -1)}7`,
      "is not a valid bcrypt hash: its salt or digest has characters that no implementation writes",
    ],
    [
      "bcrypt with unused bits in its salt",
      `$2b$05$LhayLxezLhK1LhWvKxCyLP${bcryptRest.slice(22)}`,
      "is not a valid bcrypt hash: its salt or digest has characters that no implementation writes",
    ],
    [
      "argon2 with a key's name",
      argon2Of("m=4096,t=1,p=1,keyid=AA"),
      "is not a valid argon2 hash: parameters other than m, t and p are not supported, such as a secret key",
    ],
    [
      "argon2 in another order",
      argon2Of("t=1,m=4096,p=1"),
      "is not a valid argon2 hash: expected version, m, t and p, salt and digest",
    ],
    [
      "argon2 of an unknown version",
      `$argon2id$v=20$m=4096,t=1,p=1$${salt}$${digest}`,
      "is not a valid argon2 hash: its version must be 16 (1.0) or 19 (1.3)",
    ],
    [
      "base64 of no length",
      `${argon2Of("m=4096,t=1,p=1")}AA`,
      "is not a valid argon2 hash: its base64 ends inside a byte",
    ],
    [
      "base64 with unused bits",
      `$pbkdf2-sha256$i=1000$${salt}$${digest.slice(0, -1)}p`,
      "is not a valid PBKDF2 hash: its base64 ends inside a byte",
    ],
    [
      "another alphabet",
      `$pbkdf2-sha256$i=1000$${salt}$${digest.replace("k", "%")}`,
      "is not a valid PBKDF2 hash: a part of it is not base64",
    ],
    [
      "PBKDF2 of another length than it says",
      `$pbkdf2-sha256$i=1000,l=31$${salt}$${digest}`,
      "is not a valid PBKDF2 hash: its length names neither the bytes nor the bits of its digest (32 bytes)",
    ],
    [
      "PBKDF2 by an unknown digest",
      `$pbkdf2-sha512_256$i=1000$${salt}$${digest}`,
      "is not a valid PBKDF2 hash: its digest must be sha1, sha224, sha256, sha384, sha512",
    ],
    [
      "ASP.NET Identity by an unknown function",
      aspNetOf(3, 1000),
      "is not a valid ASP.NET Identity hash: its PBKDF2 digest must be SHA-1, SHA-256 or SHA-512",
    ],
    [
      "ASP.NET Identity with a salt past its end",
      aspNetOf(1, 1000, 48),
      "is not a valid ASP.NET Identity hash: its salt is longer than the text",
    ],
    [
      "ASP.NET Identity with a salt of 4 GiB",
      aspNetOf(1, 1000, 0xffffffff),
      "is not a valid ASP.NET Identity hash: its salt is longer than the text",
    ],
    [
      "a pattern without the password",
      `$sha256$pf=e1NBTFR9$${salt}$${digest}`,
      "is not a valid salted digest hash: its pattern must name the password once or twice",
    ],
    [
      "Keycloak's JSON without a secret",
      JSON.stringify({ credentialData: "{}" }),
      "is not a valid Keycloak hash: its secretData is not a JSON object",
    ],
    [
      "Keycloak's JSON that ends early",
      '{"credentialData":"{',
      "is not a valid Keycloak hash: its credential is not a JSON object",
    ],
    [
      "an unknown algorithm of Keycloak's",
      keycloakOf({ hashIterations: 1, algorithm: "md5" }),
      "is not a valid Keycloak hash: its algorithm is not supported; expected argon2, bcrypt, pbkdf2, pbkdf2-sha256, pbkdf2-sha512",
    ],
    [
      "Keycloak's bcrypt without its hash",
      keycloakOf({ hashIterations: 10, algorithm: "bcrypt" }, { salt: "" }),
      "is not a valid Keycloak hash: its secretData has no value",
    ],
    [
      "Keycloak's bcrypt with another hash",
      keycloakOf({ hashIterations: 10, algorithm: "bcrypt" }),
      "is not a valid bcrypt hash: it has 44 characters instead of 60",
    ],
    [
      "argon2d of Keycloak's",
      keycloakArgon2({ type: ["d"] }),
      "is not a valid argon2 hash: its type must be id or i",
    ],
    [
      "argon2 of Keycloak's of another length",
      keycloakArgon2({ hashLength: ["64"] }),
      "is not a valid Keycloak hash: its hashLength is not 32, the bytes of its value",
    ],
    [
      "a signer key that does not fit",
      `$firescrypt$ln=14,r=8,p=1$${salt}$${digest}$Bw==$AAAA`,
      "is not a valid Firebase scrypt hash: its digest and signer key differ in length",
    ],
    [
      "Spring's PBKDF2 of another encoder",
      springPbkdf2.slice(0, -2),
      "is not a valid Spring PBKDF2 hash: it has 39 bytes; Spring's default encoder writes 40, and the parameters of another are not in the text",
    ],
    [
      "Spring's PBKDF2 of another id",
      springPbkdf2.replace("}", "@SpringSecurity_v9_9}"),
      "is not a valid Spring PBKDF2 hash: the iterations of its encoder id are not known",
    ],
    [
      "half of {SSHA}",
      "{SSHA}JFZFs0oHzxbMwkSJmYVeI8MnTDw=",
      "is not a valid SSHA hash: its digest and salt have 20 bytes; expected more than 20",
    ],
    [
      "{SSHA} with a salt of Spring's",
      "{SSHA}{salt}JFZFs0oHzxbMwkSJmYVeI8MnTDy/276a",
      "is not a valid SSHA hash: expected a digest in base64 or hexadecimal",
    ],
    ["{SHA224}", `{SHA224}${digest}`, "is not a valid SHA224 hash: its digest function is not supported"],
    [
      "SHA-512-crypt with a digest of SHA-256-crypt",
      "$6$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
      "is not a valid SHA-crypt hash: its digest has 43 characters instead of 86",
    ],
  ])("%s", (_name, text, refusal) => {
    expect(refusalOf(text)).toBe(refusal);
  });

  test("and no refusal claims that a hash was cut off, which most formats cannot tell", () => {
    for (const { hash } of foreignHashes) {
      for (let length = 0; length < hash.length; length++) {
        expect(refusalOf(hash.slice(0, length)) ?? "").not.toMatch(/cut|truncated|whole/);
      }
    }
  });

  test.each([
    ["md5-crypt", "$1$28772684$iEwNOgGugqO9.bIz5sk8k2"],
    ["phpass", "$P$984478476IagS59wHZvyQMArzfx58uz"],
    ["SHA-256-crypt", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEcE"],
    ["SHA-512-crypt", `$6$saltstring$${sha512Rest.slice(0, -1)}2`],
  ])("%s whose last digit has bits to spare", (_name, text) => {
    expect(refusalOf(text)).toBe("has a digest that no implementation writes");
  });

  test("a text of any length, without being looked through", () => {
    expect(refusalOf("$argon2id$".padEnd(1025, "A"))).toBe(
      "is too long: at most 1024 characters are looked at",
    );
    expect(refusalOf("$".repeat(50_000_000))).toContain("is too long");
  });

  test.each(foreignHashes)("cut off anywhere: $name", ({ hash }) => {
    // These end with what may be shorter, or with a text that is as good without its padding.
    const isOpen = /^\$(argon2|scrypt\$|pbkdf2|firescrypt|hmac)|^pbkdf2_|^scrypt\$|^argon2\$|^\{|^A/;
    for (let length = 0; length < hash.replace(/=+$/, "").length; length++) {
      const cut = hash.slice(0, length);
      const refusal = refusalOf(cut);
      if (!isOpen.test(hash)) expect([cut, refusal]).toEqual([cut, expect.any(String)]);
      if (length < 20) expect(refusal).toEqual(expect.any(String));
    }
  });
});

describe("whatever the text", () => {
  const hashes = foreignHashes.map(({ hash }) => hash);
  /** A hash with some of its characters replaced, inserted or taken away. */
  const damaged = fc
    .tuple(
      fc.constantFrom(...hashes),
      fc.array(
        fc.tuple(fc.nat(400), fc.nat(3), fc.string({ unit: fc.constantFrom(...'$=,./+{}"0189azAZ:ü\0 ') })),
        { maxLength: 4 },
      ),
    )
    .map(([hash, changes]) =>
      changes.reduce((text, [at, away, put]) => text.slice(0, at) + put + text.slice(at + away), hash),
    );
  const texts = fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), damaged, fc.json());

  test("it is read or refused, at once, in a sentence that does not hold it", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const startedAt = performance.now();
        const refusal = refusalOf(text);
        expect(performance.now() - startedAt).toBeLessThan(1_000);
        if (refusal === undefined)
          expect(readPasswordHash(readPasswordHash(text).text).cost).toBeTypeOf("string");
        else if (text.length > 12) expect(refusal).not.toContain(text);
        if (refusal !== undefined) expect(refusal).not.toMatch(/[$"{}]/);
      }),
      { numRuns: stress(3_000, 300_000) },
    );
  });

  test("what is read does not match a password that has nothing to do with it", async () => {
    const cheap = damaged.filter(
      (text) =>
        refusalOf(text) === undefined && /^\$(1|apr1|P|md5|sha1|sha256|hmac)|^\{S?(MD5|SHA)/.test(text),
    );
    await fc.assert(
      fc.asyncProperty(cheap, fc.string({ minLength: 8 }), async (text, password) => {
        expect(await readPasswordHash(text).matches(Buffer.from(password))).toBe(false);
      }),
      { numRuns: stress(100, 5_000) },
    );
  });
});
