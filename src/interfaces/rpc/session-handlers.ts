import type { ServiceImpl } from "@connectrpc/connect";
import type { SessionService } from "../../domain/session/session-service.ts";
import type { SessionService as SessionServiceDesc } from "../../gen/auth/v1/session_service_pb.ts";
import { given } from "./given.ts";
import { toSessionMessage, toTokensMessage } from "./session-message.ts";

/** auth.v1.SessionService: message, call, message. */
export function sessionHandlers(sessions: SessionService): ServiceImpl<typeof SessionServiceDesc> {
  return {
    async getSession({ id }, call) {
      return { session: toSessionMessage(await sessions.get(call, id)) };
    },

    async listSessions({ userId, showEnded, pageSize, pageToken }, call) {
      const page = await sessions.list(call, { userId, showEnded, pageSize, pageToken });
      return { sessions: page.sessions.map(toSessionMessage), nextPageToken: page.nextPageToken };
    },

    async revokeSession({ id }, call) {
      return { session: toSessionMessage(await sessions.revoke(call, id)) };
    },

    async revokeUserSessions({ userId, exceptSessionId }, call) {
      return { revokedCount: await sessions.revokeAll(call, userId, given(exceptSessionId)) };
    },

    async refreshSession({ refreshToken }, call) {
      const { session, tokens } = await sessions.refresh(call, refreshToken);
      return { session: toSessionMessage(session), tokens: toTokensMessage(tokens) };
    },
  };
}
