import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ValidatePassword } from "../../domain/credential/authentication-service.ts";
import type { BrokenRule, PasswordRule } from "../../domain/credential/password-rules.ts";
import {
  PasswordRule as PasswordRuleMessage,
  type ValidatePasswordRequest,
  type ValidatePasswordResponse_BrokenRuleSchema,
} from "../../gen/auth/v1/authentication_service_pb.ts";
import { emptyToUndefined } from "./empty-to-undefined.ts";

const rules: Record<PasswordRule, PasswordRuleMessage> = {
  "max-bytes": PasswordRuleMessage.MAX_BYTES,
  characters: PasswordRuleMessage.CHARACTERS,
  "min-length": PasswordRuleMessage.MIN_LENGTH,
  "max-length": PasswordRuleMessage.MAX_LENGTH,
  common: PasswordRuleMessage.COMMON,
  "own-words": PasswordRuleMessage.OWN_WORDS,
  breached: PasswordRuleMessage.BREACHED,
};

export function toBrokenRuleMessage({
  rule,
  description,
}: BrokenRule): MessageInitShape<typeof ValidatePasswordResponse_BrokenRuleSchema> {
  return { rule: rules[rule], description };
}

/** The person that a password is for. The schema ensures that one of the two cases is set. */
export function toSubject(subject: ValidatePasswordRequest["subject"]): ValidatePassword["subject"] {
  if (subject.case === "userId") return { userId: subject.value };
  const { email = "", username = "", displayName = "" } = subject.value ?? {};
  return { email: emptyToUndefined(email), username: emptyToUndefined(username), displayName };
}
