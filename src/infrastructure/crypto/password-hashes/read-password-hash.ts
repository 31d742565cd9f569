import { argon2 } from "./argon2.ts";
import { aspNetIdentity } from "./asp-net-identity.ts";
import { bcrypt, cutBcrypt, djangoBcrypt, wordPressBcrypt } from "./bcrypt.ts";
import { bracedDigest } from "./braced-digest.ts";
import { budget } from "./budget.ts";
import { md5Crypt, phpass, shaCrypt } from "./crypt.ts";
import { djangoDigest, djangoPbkdf2, djangoScrypt } from "./django.ts";
import { firebaseScrypt, firebaseScryptStream } from "./firebase-scrypt.ts";
import { keycloak } from "./keycloak.ts";
import { type PasswordHash, type PasswordHashFormat, PasswordHashRefused } from "./password-hash.ts";
import { pbkdf2 } from "./pbkdf2.ts";
import { hmac, saltedDigest } from "./salted-digest.ts";
import { scrypt, scryptCrypt } from "./scrypt.ts";
import { springPbkdf2, springScrypt, springStandard } from "./spring.ts";
import { unsupported } from "./unsupported.ts";

/** All formats. Those whose hashes stay in the database for long come first. */
const formats: readonly PasswordHashFormat[] = [
  argon2,
  bcrypt,
  pbkdf2,
  scrypt,
  shaCrypt,
  md5Crypt,
  phpass,
  saltedDigest,
  hmac,
  firebaseScryptStream,
  firebaseScrypt,
  cutBcrypt,
  wordPressBcrypt,
  scryptCrypt,
  springStandard,
  bracedDigest,
  springPbkdf2,
  springScrypt,
  djangoPbkdf2,
  djangoBcrypt,
  djangoScrypt,
  djangoDigest,
  keycloak,
  aspNetIdentity,
];

/** Prefixes of LDAP servers, Dovecot, Spring Security and Django before a hash that identifies itself. */
const labels = [
  /^\{(ldap|((blf|md5|sha256|sha512)-)?crypt|argon2id?)\}/i,
  /^\{(bcrypt|argon2|scrypt)(@SpringSecurity_v\d+_\d+)?\}/i,
  /^(bcrypt\$|argon2)(?=\$)/,
];

/**
 * Parses a password hash of any known format, including its costs. Computes nothing.
 * @throws PasswordHashRefused if the text is malformed, not supported or beyond the budget
 */
export function readPasswordHash(text: string): PasswordHash {
  if (text.length > budget.textLength) {
    throw new PasswordHashRefused(`is too long: at most ${budget.textLength} characters are looked at`);
  }
  const trimmed = text.trim();
  const label = labels.find((each) => each.test(trimmed));
  const bare = label === undefined ? trimmed : trimmed.replace(label, "");
  const format = formats.find(({ begins }) => begins.test(bare));
  if (format === undefined) throw unsupported(bare);
  return format.read(bare);
}
