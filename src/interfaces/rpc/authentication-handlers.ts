import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthenticationService } from "../../domain/credential/authentication-service.ts";
import { Secret } from "../../domain/secret.ts";
import type { AuthenticationService as AuthenticationServiceDesc } from "../../gen/auth/v1/authentication_service_pb.ts";
import { toBrokenRuleMessage, toSubject } from "./broken-rule-message.ts";
import { given } from "./given.ts";
import { toCall } from "./rpc-call.ts";
import { toClient, toSessionMessage, toTokensMessage } from "./session-message.ts";
import { toUserMessage } from "./user-message.ts";

/** auth.v1.AuthenticationService: message, call, message. */
export function authenticationHandlers(
  authentication: AuthenticationService,
): ServiceImpl<typeof AuthenticationServiceDesc> {
  return {
    async verifyPassword({ identifier, password, ipAddress }, context) {
      const attempt = { identifier, password: new Secret(password), ipAddress: given(ipAddress) };
      return { user: toUserMessage(await authentication.verifyPassword(toCall(context), attempt)) };
    },

    async authenticate({ identifier, password, audience, client }, context) {
      const signIn = await authentication.authenticate(toCall(context), {
        identifier,
        password: new Secret(password),
        audience,
        client: toClient(client),
      });
      return {
        user: toUserMessage(signIn.user),
        session: toSessionMessage(signIn.session),
        tokens: toTokensMessage(signIn.tokens),
      };
    },

    async validatePassword({ password, subject }, context) {
      const validation = { password: new Secret(password), subject: toSubject(subject) };
      const broken = await authentication.validatePassword(toCall(context), validation);
      return { acceptable: broken.length === 0, brokenRules: broken.map(toBrokenRuleMessage) };
    },

    async setPassword({ userId, password, requestId }, context) {
      await authentication.setPassword(toCall(context), {
        userId,
        password: new Secret(password),
        requestId: given(requestId),
      });
      return {};
    },

    async changePassword({ keepSessionId, requestId, ...change }, context) {
      await authentication.changePassword(toCall(context), {
        userId: change.userId,
        currentPassword: new Secret(change.currentPassword),
        newPassword: new Secret(change.newPassword),
        keepSessionId: given(keepSessionId),
        ipAddress: given(change.ipAddress),
        requestId: given(requestId),
      });
      return {};
    },
  };
}
