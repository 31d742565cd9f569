import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { User, UserState } from "../../domain/user/user.ts";
import { User_State, type UserSchema } from "../../gen/auth/v1/user_pb.ts";

const states: Record<UserState, User_State> = {
  active: User_State.ACTIVE,
  suspended: User_State.SUSPENDED,
  deleted: User_State.DELETED,
};

/** Converts a user to its message. Its suspension is included only while it is in force. */
export function toUserMessage(
  user: User,
  suspension = user.state === "suspended" ? user.suspension : undefined,
): MessageInitShape<typeof UserSchema> {
  return {
    id: user.id,
    email: user.email?.value ?? "",
    username: user.username?.value ?? "",
    displayName: user.displayName,
    attributes: user.attributes,
    state: states[user.state],
    suspension: suspension && {
      reason: suspension.reason,
      startTime: timestampFromDate(suspension.startTime),
      untilTime: suspension.untilTime && timestampFromDate(suspension.untilTime),
    },
    createTime: timestampFromDate(user.createTime),
    updateTime: timestampFromDate(user.updateTime),
    deleteTime: user.deleteTime && timestampFromDate(user.deleteTime),
    etag: user.etag,
  };
}

/** The state in a message, or undefined if it is unspecified. */
export function toUserState(state: User_State): UserState | undefined {
  switch (state) {
    case User_State.ACTIVE:
      return "active";
    case User_State.SUSPENDED:
      return "suspended";
    case User_State.DELETED:
      return "deleted";
    default:
      return undefined;
  }
}
