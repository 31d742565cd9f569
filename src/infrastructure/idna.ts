import { domainToASCII } from "node:url";
import type { DomainToAscii } from "../domain/identifier/email.ts";

/** A domain's A-labels by UTS #46, as WHATWG URL has it (non-transitional, CheckBidi, CheckJoiners). */
export const toAscii: DomainToAscii = (domain) => domainToASCII(domain) || undefined;
