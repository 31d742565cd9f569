import { domainToASCII } from "node:url";
import type { DomainToAscii } from "../../domain/identifier/email.ts";

const mostRemembered = 1_000;
const remembered = new Map<string, string>();

/**
 * A domain's A-labels by UTS #46, as in the WHATWG URL standard (non-transitional, CheckBidi, CheckJoiners). Recent
 * domains are cached, because most users of an import share a few.
 */
export const toAscii: DomainToAscii = (domain) => {
  let ascii = remembered.get(domain);
  if (ascii === undefined) {
    ascii = domainToASCII(domain);
    if (remembered.size >= mostRemembered) remembered.clear();
    remembered.set(domain, ascii);
  }
  return ascii || undefined;
};
