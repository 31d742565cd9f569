import { create, toJsonString } from "@bufbuild/protobuf";
import { UserRecordSchema } from "../../gen/auth/v1/user_transfer_service_pb.ts";
import { toUserRecordMessage } from "../../interfaces/rpc/user-record-message.ts";
import type { OpenService } from "../open-service.ts";

export interface ExportOptions {
  readonly includePasswordHashes: boolean;
  readonly showDeleted: boolean;
  readonly signal: AbortSignal;
}

const allUsers = {
  state: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
  emailPrefix: undefined,
  pageToken: "",
};

/** All users as lines of the API's own JSON, a few hundred at a time, without a deadline. */
export async function* exportLines(
  { transfers, call }: OpenService,
  { signal, ...options }: ExportOptions,
): AsyncGenerator<{ readonly users: number; readonly text: string }> {
  const withoutDeadline = { ...call(), signal, timeoutMs: () => undefined };
  for await (const { users } of transfers.export(withoutDeadline, { ...allUsers, ...options })) {
    const lines = users.map((user) =>
      toJsonString(UserRecordSchema, create(UserRecordSchema, toUserRecordMessage(user))),
    );
    yield { users: lines.length, text: lines.map((line) => `${line}\n`).join("") };
  }
}
