import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthenticationService } from "../../domain/credential/authentication-service.ts";
import { Secret } from "../../domain/secret.ts";
import type { DeviceChoice } from "../../domain/throttle/known-devices.ts";
import type {
  AuthenticateRequest,
  AuthenticationService as AuthenticationServiceDesc,
} from "../../gen/auth/v1/authentication_service_pb.ts";
import { toBrokenRuleMessage, toSubject } from "./broken-rule-message.ts";
import { emptyToUndefined } from "./empty-to-undefined.ts";
import { toCall } from "./rpc-call.ts";
import { toClient, toSessionMessage, toTokensMessage } from "./session-message.ts";
import { toUserMessage } from "./user-message.ts";

/** Handlers of auth.v1.AuthenticationService. */
export function authenticationHandlers(
  authentication: AuthenticationService,
): ServiceImpl<typeof AuthenticationServiceDesc> {
  return {
    async verifyPassword({ identifier, password, ipAddress, ...device }, context) {
      const { user, deviceToken } = await authentication.verifyPassword(toCall(context), {
        identifier,
        password: new Secret(password),
        ipAddress: emptyToUndefined(ipAddress),
        device: toDevice(device),
      });
      return { user: toUserMessage(user), deviceToken: deviceToken?.reveal() ?? "" };
    },

    async authenticate({ identifier, password, audience, client, ...device }, context) {
      const signIn = await authentication.authenticate(toCall(context), {
        identifier,
        password: new Secret(password),
        audience,
        client: toClient(client),
        device: toDevice(device),
      });
      return {
        user: toUserMessage(signIn.user),
        session: toSessionMessage(signIn.session),
        tokens: toTokensMessage(signIn.tokens),
        deviceToken: signIn.deviceToken?.reveal() ?? "",
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
        requestId: emptyToUndefined(requestId),
      });
      return {};
    },

    async changePassword({ keepSessionId, requestId, ...change }, context) {
      await authentication.changePassword(toCall(context), {
        userId: change.userId,
        currentPassword: new Secret(change.currentPassword),
        newPassword: new Secret(change.newPassword),
        keepSessionId: emptyToUndefined(keepSessionId),
        ipAddress: emptyToUndefined(change.ipAddress),
        requestId: emptyToUndefined(requestId),
      });
      return {};
    },
  };
}

function toDevice({
  deviceToken,
  rememberDevice,
}: Pick<AuthenticateRequest, "deviceToken" | "rememberDevice">): DeviceChoice {
  return {
    token: deviceToken === "" ? undefined : new Secret(deviceToken),
    remember: rememberDevice,
  };
}
