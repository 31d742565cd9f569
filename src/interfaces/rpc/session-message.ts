import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Client, EndReason, Session, SessionState } from "../../domain/session/session.ts";
import type { Tokens } from "../../domain/token/token-issuer.ts";
import {
  type Client as ClientMessage,
  type ClientSchema,
  Session_EndReason,
  Session_State,
  type SessionSchema,
  type TokensSchema,
} from "../../gen/auth/v1/session_pb.ts";

const states: Record<SessionState, Session_State> = {
  live: Session_State.LIVE,
  expired: Session_State.EXPIRED,
  revoked: Session_State.REVOKED,
};

const endReasons: Record<EndReason, Session_EndReason> = {
  revoked: Session_EndReason.REVOKED,
  "user-suspended": Session_EndReason.USER_SUSPENDED,
  "user-deleted": Session_EndReason.USER_DELETED,
  "password-changed": Session_EndReason.PASSWORD_CHANGED,
  "refresh-token-reused": Session_EndReason.REFRESH_TOKEN_REUSED,
};

/** Converts a session to its message. */
export function toSessionMessage(session: Session): MessageInitShape<typeof SessionSchema> {
  return {
    id: session.id,
    userId: session.userId,
    caller: session.caller,
    audience: session.audience,
    client: toClientMessage(session.client),
    state: states[session.state],
    createTime: timestampFromDate(session.createTime),
    refreshTime: timestampFromDate(session.refreshTime),
    idleExpireTime: timestampFromDate(session.idleExpireTime),
    expireTime: timestampFromDate(session.expireTime),
    endTime: session.endTime && timestampFromDate(session.endTime),
    endReason:
      session.endReason === undefined ? Session_EndReason.UNSPECIFIED : endReasons[session.endReason],
  };
}

/** Converts the tokens of a session to their message. */
export function toTokensMessage(tokens: Tokens): MessageInitShape<typeof TokensSchema> {
  return {
    accessToken: tokens.accessToken.reveal(),
    accessTokenExpireTime: timestampFromDate(tokens.accessTokenExpireTime),
    refreshToken: tokens.refreshToken.reveal(),
    refreshTokenExpireTime: timestampFromDate(tokens.refreshTokenExpireTime),
  };
}

/** Converts a client from its message. */
export function toClient(client: ClientMessage | undefined): Client {
  return {
    id: client?.id ?? "",
    displayName: client?.displayName ?? "",
    userAgent: client?.userAgent ?? "",
    ipAddress: client?.ipAddress ?? "",
  };
}

function toClientMessage({
  id,
  displayName,
  userAgent,
  ipAddress,
}: Client): MessageInitShape<typeof ClientSchema> {
  return { id, displayName, userAgent, ipAddress };
}
