import { stat } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { invalidField } from "../../domain/errors.ts";
import { derivedId } from "../../domain/request/derived-id.ts";
import type { GivenRow, ImportedRow } from "../../domain/transfer/user-import.ts";
import { mostImportedRows } from "../../domain/transfer/user-transfer-service.ts";
import { UserRecordSchema } from "../../gen/auth/v1/user_transfer_service_pb.ts";
import { sha256Fingerprint } from "../../infrastructure/crypto/sha256-fingerprint.ts";
import { toGivenRow } from "../../interfaces/rpc/user-record-message.ts";
import type { OpenService } from "../open-service.ts";
import type { FileRow } from "./file-row.ts";
import { fileRows, unreadable } from "./file-rows.ts";
import type { ReadOptions } from "./foreign.ts";
import type { Format } from "./formats.ts";

/** A row that was refused: 1 for the first of the file. */
export interface RefusedFileRow {
  readonly row: number;
  readonly reason: string;
  readonly message: string;
}

export interface ImportFile extends ReadOptions {
  readonly path: string;
  readonly format: Format;
  readonly validateOnly: boolean;
  /** The caller's name for the import, or undefined for the one that all imports without a name share. */
  readonly requestId: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly rows: number; readonly part: number }) => void;
  readonly onRefused: (row: RefusedFileRow) => Promise<void> | void;
}

export interface ImportedFile {
  readonly rows: number;
  readonly imported: number;
  readonly refused: number;
}

const batchRows = 500;

/**
 * Imports the users of a file, whatever its size. Every import from the command line has the same request id, so that a file
 * can be imported again after the import was cut off or the file was repaired.
 */
export async function importFile({ transfers, call }: OpenService, file: ImportFile): Promise<ImportedFile> {
  const { path, format, validateOnly, signal } = file;
  const requestId = derivedId(sha256Fingerprint, ["auth import", file.requestId]);
  const size = await sizeOf(path);
  const seen = { rows: 0, imported: 0, refused: 0 };
  let bytesRead = 0;
  let users: ReturnType<typeof transfers.beginImport> | undefined;
  const add = async (batch: readonly GivenRow[]) => {
    if (seen.rows % mostImportedRows === 0 || users === undefined) {
      users = transfers.beginImport({ requestId, validateOnly });
    }
    for (const row of await users.add(call(), batch)) {
      seen.rows += 1;
      if (isRefused(row)) {
        seen.refused += 1;
        await file.onRefused({ row: seen.rows, ...row.refused });
      } else seen.imported += 1;
    }
    file.onProgress({ rows: seen.rows, part: size === 0 ? 1 : bytesRead / size });
  };
  const onBytes = (bytes: number) => {
    bytesRead = bytes;
  };
  let batch: GivenRow[] = [];
  for await (const row of fileRows(path, format.layout, { signal, onBytes })) {
    batch.push(() => recordOf(row, file)());
    if (batch.length < batchRows) continue;
    await add(batch);
    batch = [];
  }
  if (batch.length > 0) await add(batch);
  return seen;
}

function recordOf(row: FileRow, { format, withAttributes }: ImportFile): GivenRow {
  if ("fault" in row.content) throw invalidField("INVALID_REQUEST", "the row", row.content.fault);
  const read = format.read(row.content.value, { withAttributes });
  if ("skipped" in read) throw invalidField("INVALID_REQUEST", "the row", "is not a user");
  return toGivenRow(create(UserRecordSchema, read.record));
}

function isRefused(row: ImportedRow): row is Extract<ImportedRow, { refused: unknown }> {
  return "refused" in row;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw unreadable(path, error);
  }
}
