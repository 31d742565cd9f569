import type { ServiceImpl } from "@connectrpc/connect";
import { Secret } from "../../domain/secret.ts";
import type { SessionService } from "../../domain/session/session-service.ts";
import type { SessionService as SessionServiceDesc } from "../../gen/auth/v1/session_service_pb.ts";
import { emptyToUndefined } from "./empty-to-undefined.ts";
import { toCall } from "./rpc-call.ts";
import { toSessionMessage, toTokensMessage } from "./session-message.ts";

/** Handlers of auth.v1.SessionService. */
export function sessionHandlers(sessions: SessionService): ServiceImpl<typeof SessionServiceDesc> {
  return {
    async getSession({ id }, context) {
      return { session: toSessionMessage(await sessions.get(toCall(context), id)) };
    },

    async listSessions({ userId, showEnded, pageSize, pageToken }, context) {
      const page = await sessions.list(toCall(context), { userId, showEnded, pageSize, pageToken });
      return { sessions: page.sessions.map(toSessionMessage), nextPageToken: page.nextPageToken };
    },

    async revokeSession({ id }, context) {
      return { session: toSessionMessage(await sessions.revoke(toCall(context), id)) };
    },

    async revokeUserSessions({ userId, exceptSessionId }, context) {
      await sessions.revokeAll(toCall(context), userId, emptyToUndefined(exceptSessionId));
      return {};
    },

    async refreshSession({ refreshToken, ipAddress }, context) {
      const { session, tokens } = await sessions.refresh(
        toCall(context),
        new Secret(refreshToken),
        ipAddress,
      );
      return { session: toSessionMessage(session), tokens: toTokensMessage(tokens) };
    },
  };
}
