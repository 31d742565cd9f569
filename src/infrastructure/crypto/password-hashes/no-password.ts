/**
 * Texts that stand where a hash would and mean that no password is accepted: what begins with "!" or "*" (shadow(5), locked
 * accounts, with or without the hash of before; Django's unusable passwords; the failure tokens of crypt(5)), and Solaris' "NP".
 * "*" and 40 hexadecimal digits are a hash of MySQL.
 */
const marker = /^(?:\{crypt\})?(?:!|\*(?![0-9A-F]{40}$)|NP$)/i;

export function meansNoPassword(text: string): boolean {
  return marker.test(text.trimStart());
}
