import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { invalidField } from "../../domain/errors.ts";
import type { ImportedRow } from "../../domain/transfer/user-import.ts";
import type { UserTransferService } from "../../domain/transfer/user-transfer-service.ts";
import { ErrorReason } from "../../gen/auth/v1/error_reason_pb.ts";
import type {
  ImportUsersRequest,
  ImportUsersResponse_ResultSchema,
  UserTransferService as UserTransferServiceDesc,
} from "../../gen/auth/v1/user_transfer_service_pb.ts";
import { emptyToUndefined } from "./empty-to-undefined.ts";
import { toCall } from "./rpc-call.ts";
import { filterOf } from "./user-handlers.ts";
import { toGivenRow, toUserRecordMessage } from "./user-record-message.ts";

/** Handlers of auth.v1.UserTransferService. */
export function userTransferHandlers(
  transfers: UserTransferService,
): ServiceImpl<typeof UserTransferServiceDesc> {
  return {
    async importUsers(messages, context) {
      const call = toCall(context);
      const rows: ImportedRow[] = [];
      let begun:
        | { first: ImportUsersRequest; users: ReturnType<UserTransferService["beginImport"]> }
        | undefined;
      for await (const message of messages) {
        begun ??= { first: message, users: transfers.beginImport(optionsOf(message)) };
        assertSameOptions(begun.first, message);
        rows.push(...(await begun.users.add(call, message.users.map(toGivenRow))));
      }
      return {
        results: rows.map(toResult),
        refusedCount: rows.filter((row) => "refused" in row).length,
        alreadyImportedCount: rows.filter((row) => "userId" in row && row.alreadyImported).length,
      };
    },

    async *exportUsers({ filter, showDeleted, includePasswordHashes, pageToken }, context) {
      const pages = transfers.export(toCall(context), {
        ...filterOf(filter),
        showDeleted,
        includePasswordHashes,
        pageToken,
      });
      for await (const { users, nextPageToken } of pages) {
        yield { users: users.map(toUserRecordMessage), nextPageToken };
      }
    },
  };
}

function optionsOf({ requestId, validateOnly }: ImportUsersRequest) {
  return { requestId: emptyToUndefined(requestId), validateOnly };
}

/**
 * Only the options of the first message count. A later message with different options is refused, because its sender
 * expects them to apply.
 */
function assertSameOptions(first: ImportUsersRequest, message: ImportUsersRequest): void {
  if (message.validateOnly && !first.validateOnly) {
    throw invalidField("INVALID_REQUEST", "validate_only", "must be set in the first message");
  }
  if (message.requestId !== "" && message.requestId !== first.requestId) {
    throw invalidField("INVALID_REQUEST", "request_id", "must be the same as in the first message");
  }
}

function toResult(row: ImportedRow): MessageInitShape<typeof ImportUsersResponse_ResultSchema> {
  if ("userId" in row) return { result: { case: "userId", value: row.userId } };
  const { reason, message } = row.refused;
  return { result: { case: "refusal", value: { reason: ErrorReason[reason], message } } };
}
