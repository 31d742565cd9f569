import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthenticationService } from "../../domain/credential/authentication-service.ts";
import type { AuthenticationService as AuthenticationServiceDesc } from "../../gen/auth/v1/authentication_service_pb.ts";
import { given } from "./given.ts";
import { toClient, toSessionMessage, toTokensMessage } from "./session-message.ts";
import { toUserMessage } from "./user-message.ts";

/** auth.v1.AuthenticationService: message, call, message. */
export function authenticationHandlers(
  authentication: AuthenticationService,
): ServiceImpl<typeof AuthenticationServiceDesc> {
  return {
    async verifyPassword({ identifier, password }, call) {
      return { user: toUserMessage(await authentication.verifyPassword(call, identifier, password)) };
    },

    async authenticate({ identifier, password, audience, client }, call) {
      const signIn = await authentication.authenticate(call, {
        identifier,
        password,
        audience,
        client: toClient(client),
      });
      return {
        user: toUserMessage(signIn.user),
        session: toSessionMessage(signIn.session),
        tokens: toTokensMessage(signIn.tokens),
      };
    },

    async setPassword({ userId, password, requestId }, call) {
      await authentication.setPassword(call, { userId, password, requestId: given(requestId) });
      return {};
    },

    async changePassword({ userId, currentPassword, newPassword, keepSessionId, requestId }, call) {
      await authentication.changePassword(call, {
        userId,
        currentPassword,
        newPassword,
        keepSessionId: given(keepSessionId),
        requestId: given(requestId),
      });
      return {};
    },
  };
}
