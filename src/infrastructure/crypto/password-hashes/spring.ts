import { timingSafeEqual } from "node:crypto";
import { fromBase64, fromHex } from "./encodings.ts";
import { runLoop } from "./loops/loop-threads.ts";
import { malformed, type PasswordHashFormat, partsOf } from "./password-hash.ts";
import { pbkdf2Hash } from "./pbkdf2.ts";
import { scryptCost, scryptHash } from "./scrypt.ts";

// The encoders of Spring Security's PasswordEncoderFactories (spring-security-crypto 6.5.1), each prefixed by its ID
// in braces. The IDs of bcrypt, argon2 and scrypt are removed, because the text after them has all parameters
// (read-password-hash.ts).

/** The parameters of a Pbkdf2PasswordEncoder by its ID, because its text does not contain them. */
const pbkdf2Encoders = new Map([
  ["{pbkdf2}", { digest: "sha1", iterations: 185_000, saltBytes: 8 }],
  ["{pbkdf2@SpringSecurity_v5_8}", { digest: "sha256", iterations: 310_000, saltBytes: 16 }],
] as const);
const pbkdf2Form = /^(?<id>\{[^}]*\})(?<value>[^{}]+)$/;
const keyBytes = 32;

/** `{pbkdf2}` of Pbkdf2PasswordEncoder, without a secret: salt and key in hexadecimal or base64. */
export const springPbkdf2: PasswordHashFormat = {
  begins: /^\{pbkdf2(@[^}]*)?\}/,
  read(text) {
    const format = "Spring PBKDF2";
    const { id = "", value = "" } = partsOf(text, pbkdf2Form, format, "salt and key");
    const encoder = pbkdf2Encoders.get(id as "{pbkdf2}");
    if (encoder === undefined) throw malformed(format, "the iterations of its encoder id are not known");
    const { digest, iterations, saltBytes } = encoder;
    const expected = saltBytes + keyBytes;
    const bytes = /^[0-9a-f]+$/i.test(value) ? fromHex(value, format) : fromBase64(value, format);
    if (bytes.length !== expected) {
      const fault = `it has ${bytes.length} bytes; Spring's default encoder writes ${expected}`;
      throw malformed(format, `${fault}, and the parameters of another are not in the text`);
    }
    return pbkdf2Hash(digest, iterations, bytes.subarray(0, saltBytes), bytes.subarray(saltBytes));
  },
};

const scryptForm = /^\$(?<costs>[0-9a-f]{5,6})\$(?<salt>[^$]+)\$(?<key>[^$]+)$/;

/** SCryptPasswordEncoder: the logarithm of N, then r and p in two hexadecimal digits each, salt and key. */
export const springScrypt: PasswordHashFormat = {
  begins: /^\$[0-9a-f]{5,6}\$/,
  read(text) {
    const {
      costs = "",
      salt = "",
      key = "",
    } = partsOf(text, scryptForm, "Spring scrypt", "costs, salt and key");
    const number = Number.parseInt(costs, 16);
    const cost = scryptCost({
      logN: number >>> 16,
      blockSize: (number >>> 8) & 255,
      parallelism: number & 255,
    });
    return scryptHash(cost, fromBase64(salt, "Spring scrypt"), fromBase64(key, "Spring scrypt"));
  },
};

const standardRounds = 1_024;
const standardSaltBytes = 8;

/**
 * `{sha256}` of StandardPasswordEncoder, without a secret: 8 bytes of salt, then 1,024 rounds of SHA-256 over salt
 * and password.
 */
export const springStandard: PasswordHashFormat = {
  // `{SHA256}` before any other text is an LDAP scheme.
  begins: /^\{sha256\}[0-9a-fA-F]{80}$/,
  read(text) {
    const bytes = Buffer.from(text.slice("{sha256}".length), "hex");
    const [salt, digest] = [bytes.subarray(0, standardSaltBytes), bytes.subarray(standardSaltBytes)];
    const job = { loop: "iterated", digest: "sha256", salt, rounds: standardRounds } as const;
    return {
      text: `{sha256}${bytes.toString("hex")}`,
      cost: "{sha256}",
      effort: { of: "loop", rounds: standardRounds },
      matches: async (password) => timingSafeEqual(await runLoop(job, password), digest),
    };
  },
};
