import { describe, expect, test } from "vitest";
import { readPasswordHash } from "../../../../src/infrastructure/crypto/password-hashes/read-password-hash.ts";
import { foreignHashes } from "./foreign-hashes.ts";

const kept = (text: string) => readPasswordHash(text).text;

const bcrypt = "$2b$06$r3fXzcnMjn3SuCBG8oajIeI9/9ikSifGnq6nXHGoIvcQdcna7faWa";
const argon2 = "$argon2id$v=19$m=4096,t=3,p=2$c2FsdHNhbHRzYWx0$kOSHtY/s6v2PPY7Ia6x1tJcI9J1NEgv6thPLufATWTo";
const scrypt = "$scrypt$ln=14,r=8,p=1$pZQyRqiVklJKSSml1ForJQ$txvO8/HlwMM5N+us0aPr1qlDPD03vhHO85G7Dt4E/ZA";
const pbkdf2 =
  "$pbkdf2-sha256$i=100000,l=32$1jP+5Zxpxgtee/iPxGgOz0RfE9/KJuDElP1ley4VxXc$QJxzfvdbHYBpydCbHoFg3GJEqMFULwskiuqiJctoYpI";
const sha256 = Buffer.from("0gfRVLCvtBCk20udLDEY5vNhujWx7RGjwRIS1ebMsLY", "base64");
const salted = "$sha256$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==";

describe("an intact hash is read in every spelling of its bytes", () => {
  test.each(foreignHashes)("with blanks around it: $name", ({ hash }) => {
    expect(kept(` \t${hash}\r\n`)).toBe(kept(hash));
  });

  test.each([
    ["padded", `${pbkdf2.replace(/\$(?=[^$]*$)/, "=$")}=`, pbkdf2],
    ["in the alphabet for URLs", pbkdf2.replaceAll("+", "-").replaceAll("/", "_"), pbkdf2],
    ["in the alphabet of passlib", pbkdf2.replaceAll("+", "."), pbkdf2],
    ["with its length in bits", pbkdf2.replace("l=32", "l=256"), pbkdf2],
    ["without its length", pbkdf2.replace(",l=32", ""), pbkdf2],
    [
      "of a salted digest without padding",
      `${salted}$${sha256.toString("base64")}`,
      kept(`${salted.replaceAll("=$", "$")}$${sha256.toString("base64url")}`),
    ],
    [
      "of a salted digest in hexadecimal",
      `${salted}$${sha256.toString("hex")}`,
      kept(`${salted}$${sha256.toString("base64")}`),
    ],
    [
      "of a salted digest in upper case",
      `${salted}$${sha256.toString("hex").toUpperCase()}`,
      kept(`${salted}$${sha256.toString("base64")}`),
    ],
    [
      "of Django in upper case",
      "md5$2JHv7j2YbsccrQDJKzWTVY$0469AD83A0EC36106278AD1F2AB4DC01",
      kept("md5$2JHv7j2YbsccrQDJKzWTVY$0469ad83a0ec36106278ad1f2ab4dc01"),
    ],
    [
      "of Django without a salt",
      "sha1$$a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
      kept("$sha1$pf=e1NBTFR9e1BBU1NXT1JEfQ$$qUqP5cyxm6YcTAhz05Hph5gvu9M="),
    ],
    [
      "of LDAP in hexadecimal",
      `{SHA256}${sha256.toString("hex")}`,
      kept(`{SHA256}${sha256.toString("base64")}`),
    ],
    [
      "of bcrypt in Keycloak, whose provider ignores the salt",
      JSON.stringify({
        credentialData: JSON.stringify({ hashIterations: -1, algorithm: "bcrypt" }),
        secretData: { value: bcrypt, salt: "$2b$06$r3fXzcnMjn3SuCBG8oajIe" },
      }),
      bcrypt,
    ],
    [
      "of Spring's StandardPasswordEncoder in upper case",
      "{sha256}D1D5BE489C33D662CAC9E06566678A2505FCFEEC8F4D5C386BA860B90AD0648837DDDAA2B9138636",
      "{sha256}d1d5be489c33d662cac9e06566678a2505fcfeec8f4d5c386ba860b90ad0648837dddaa2b9138636",
    ],
    ["behind {BLF-CRYPT} of Dovecot", `{BLF-CRYPT}${bcrypt}`, bcrypt],
    ["behind {ARGON2ID} of Dovecot", `{ARGON2ID}${argon2}`, argon2],
    [
      "of ASP.NET Identity in the alphabet for URLs",
      "AQAAAAEAAA-QAAAAIESkQuj2Du8Y-kbc5lcN_W_3NiAZFEm11P27nrSN5_tId-bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW-jQ",
      kept(
        "AQAAAAEAAA+QAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=",
      ),
    ],
    ["behind {bcrypt}", `{bcrypt}${bcrypt}`, bcrypt],
    ["behind {CRYPT}", `{CRYPT}${bcrypt}`, bcrypt],
    ["behind bcrypt$", `bcrypt$${bcrypt}`, bcrypt],
    ["behind {argon2}", `{argon2}${argon2}`, argon2],
    ["behind {argon2@SpringSecurity_v5_8}", `{argon2@SpringSecurity_v5_8}${argon2}`, argon2],
    ["behind a later version", `{argon2@SpringSecurity_v7_0}${argon2}`, argon2],
    ["behind argon2", `argon2${argon2}`, argon2],
    ["of Spring's scrypt without an id", scrypt.replace(/^.*p=1/, "$e0801"), scrypt],
  ])("%s", (_name, text, expected) => {
    expect(kept(text)).toBe(expected);
  });
});
