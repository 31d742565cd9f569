/**
 * Texts in place of a hash that mean that no password is accepted: anything that begins with "!" or "*" (locked
 * accounts of shadow(5), with or without the previous hash; Django's unusable passwords; the failure tokens of
 * crypt(5)), and Solaris' "NP". "*" with 40 hexadecimal digits is a MySQL hash.
 */
const marker = /^(?:\{crypt\})?(?:!|\*(?![0-9A-F]{40}$)|NP$)/i;

export function meansNoPassword(text: string): boolean {
  return marker.test(text.trimStart());
}
