import { PasswordHashRefused } from "./password-hash.ts";

/** Formats that are recognised but not supported, with the reason for the refusal. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/^$/, "is empty"],
  [/^\{(noop|plain|cleartext)\}/i, "is a password in plain text: hash it before the import"],
  [/^\{MD4\}|^\$hmac-md4\$/i, "uses MD4, which is not supported"],
  [/^\$argon2d\$/, "uses argon2d, which is not supported: expected argon2id or argon2i"],
  [/^\$g?y\$/, "uses yescrypt, which is not supported"],
  [/^\*[0-9A-F]{40}$/i, "is a native hash of MySQL, which is not supported"],
  [/^x$/, "is the placeholder of passwd(5): the hash is in the shadow file"],
  [/^\{[^}]*\}/, "has an encoder id or scheme that is not supported"],
];

/** The refusal of a text that no format claims. */
export function unsupported(text: string): PasswordHashRefused {
  const [, reason] = reasons.find(([pattern]) => pattern.test(text)) ?? [];
  return new PasswordHashRefused(reason ?? "is not in a supported format");
}
