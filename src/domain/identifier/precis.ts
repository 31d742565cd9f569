import { obeysBidiRule } from "./bidi-rule.ts";
import { isInFreeformClass, isInIdentifierClass } from "./string-classes.ts";
import { mapWidth } from "./width-mapping.ts";

const visibleAscii = /^[!-~]+$/;
const printableAscii = /^[ -~]+$/;
const space = /\p{Zs}/gu;

/**
 * The UsernameCaseMapped profile of RFC 8265, section 3.3: maps all spellings of a name to one string. Returns the
 * enforced string, or undefined if the profile refuses it. The rules are applied in the order of RFC 8264, section 7,
 * so the class is checked on the result: decomposed Hangul and KELVIN SIGN are valid, because of the letters they
 * become.
 */
export function usernameCaseMapped(text: string): string | undefined {
  if (visibleAscii.test(text)) return text.toLowerCase();
  const name = untilStable(text, mapUsernameCharacters);
  return name !== undefined && isInIdentifierClass(name) && obeysBidiRule(name) ? name : undefined;
}

/**
 * The OpaqueString profile of RFC 8265, section 4.2, for passwords: non-ASCII spaces become U+0020, the rest NFC. Case,
 * width and compatibility forms stay distinct. Returns the enforced string, or undefined if the profile refuses it.
 */
export function opaqueString(text: string): string | undefined {
  if (printableAscii.test(text)) return text;
  const opaque = untilStable(text, mapOpaqueCharacters);
  return opaque !== undefined && isInFreeformClass(opaque) ? opaque : undefined;
}

/**
 * The mappings of UsernameCaseMapped, applied once and without its checks: width, default lower case, NFC. Lower-casing
 * is locale-independent, and a capital sigma at the end of a word becomes a final one (Unicode, section 3.13).
 */
export function mapUsernameCharacters(text: string): string {
  return mapWidth(text).toLowerCase().normalize("NFC");
}

function mapOpaqueCharacters(text: string): string {
  return text.replace(space, " ").normalize("NFC");
}

const repetitions = 3;

// RFC 8264, section 7: a string that is not stable after three repetitions is refused. No such string is known.
function untilStable(text: string, map: (text: string) => string): string | undefined {
  let mapped = map(text);
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const again = map(mapped);
    if (again === mapped) return mapped;
    mapped = again;
  }
  return undefined;
}
