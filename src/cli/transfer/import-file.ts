import { create } from "@bufbuild/protobuf";
import { DomainError, invalidField, type Reason } from "../../domain/errors.ts";
import { derivedId } from "../../domain/request/derived-id.ts";
import type { ImportedRow, RowReader, UserImport } from "../../domain/transfer/user-import.ts";
import { maxImportedRows } from "../../domain/transfer/user-transfer-service.ts";
import { UserRecordSchema } from "../../gen/auth/v1/user_transfer_service_pb.ts";
import { sha256Fingerprint } from "../../infrastructure/crypto/sha256-fingerprint.ts";
import { StartError } from "../../infrastructure/process/start-error.ts";
import { toGivenRow } from "../../interfaces/rpc/user-record-message.ts";
import type { OpenService } from "../open-service.ts";
import type { FileRow } from "./files/file-row.ts";
import { fileRows } from "./files/file-rows.ts";
import type { ForeignRow, LeftOutCounts, ReadOptions } from "./formats/foreign.ts";
import type { Format } from "./formats/formats.ts";

/** Why a row was refused. */
export interface Refusal {
  readonly reason: Reason;
  readonly message: string;
}

export interface ImportFile extends ReadOptions {
  /** A path, or "-" for standard input. */
  readonly path: string;
  readonly format: Format;
  readonly validateOnly: boolean;
  readonly signal: AbortSignal;
  /** @param part the fraction of the file that was read, from 0 to 1; undefined if its size is unknown */
  readonly onProgress: (rows: number, part: number | undefined) => void;
  /** Receives the header line of a CSV file. */
  readonly onHeader: (text: string) => void;
  readonly onRefused: (row: FileRow, refusal: Refusal) => Promise<void> | void;
}

/** The result of importing the rows of a file. */
export interface ImportReport {
  /** Rows that were read, including skipped ones. */
  rows: number;
  imported: number;
  /** Rows that an earlier run of the import imported. */
  alreadyImported: number;
  refused: number;
  readonly refusedByReason: Record<string, number>;
  /** Rows that are not users, by kind: "service accounts". */
  readonly skipped: Record<string, number>;
  /** Data of the imported users that has no equivalent here, by kind: "groups". */
  readonly notImported: Record<string, number>;
  /** Ids and usernames that are not valid here, by the attribute that keeps them: "keycloak_id". */
  readonly keptAs: Record<string, number>;
  /** The error that kept the rest of the file from being read or imported. */
  stoppedBy?: unknown;
}

/** A row that is ready to be imported. */
interface ReadyRow {
  readonly row: FileRow;
  readonly given: RowReader;
  readonly leftOut: LeftOutCounts;
  readonly keptAs: readonly string[];
}

const batchRows = 500;
/** Keeps a batch of large rows from filling the memory. */
const batchCharacters = 4 << 20;

/**
 * Imports the users of a file of any size. All files of a caller belong to one import: rows that were imported before
 * count as imported. So the same command continues where it stopped, also after the file was repaired.
 * @throws StartError if the file has no rows or cannot be read at all
 */
export async function importFile(service: OpenService, file: ImportFile): Promise<ImportReport> {
  const report: ImportReport = {
    rows: 0,
    imported: 0,
    alreadyImported: 0,
    refused: 0,
    refusedByReason: {},
    skipped: {},
    notImported: {},
    keptAs: {},
  };
  try {
    await new FileImport(service, file, report).run();
  } catch (error) {
    file.signal.throwIfAborted();
    if (report.rows === 0) throw error;
    report.stoppedBy = error;
  }
  if (report.rows === 0) throw new StartError(`${nameOfInput(file.path)}: has no users`);
  return report;
}

/** The import of one file. */
class FileImport {
  readonly #service: OpenService;
  readonly #file: ImportFile;
  readonly #report: ImportReport;
  #users: UserImport | undefined;
  /** Rows of `#users`. */
  #added = 0;
  #batch: ReadyRow[] = [];
  #characters = 0;
  #part: number | undefined;

  constructor(service: OpenService, file: ImportFile, report: ImportReport) {
    this.#service = service;
    this.#file = file;
    this.#report = report;
  }

  async run(): Promise<void> {
    const unreadable = await this.#readRows();
    await this.#importBatch();
    if (unreadable !== undefined) throw unreadable;
  }

  /** Returns the error that makes the rest of the file unreadable, so that the rows before it are still imported. */
  async #readRows(): Promise<StartError | undefined> {
    const { path, format, signal, onHeader } = this.#file;
    const onBytes = (bytes: number, size: number | undefined) => {
      this.#part = size === undefined ? undefined : bytes / size;
    };
    try {
      const rows = fileRows(path, format.layout, { signal, onBytes, onHeader });
      for await (const row of rows) await this.#add(row);
      return undefined;
    } catch (error) {
      if (error instanceof StartError) return error;
      throw error;
    }
  }

  async #add(row: FileRow): Promise<void> {
    const ready = readyRow(row, this.#file);
    if ("skipped" in ready) {
      this.#report.rows += 1;
      count(this.#report.skipped, ready.skipped);
      return;
    }
    this.#batch.push(ready);
    this.#characters += row.source.length;
    if (this.#batch.length === batchRows || this.#characters >= batchCharacters) await this.#importBatch();
  }

  async #importBatch(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#characters = 0;
    if (batch.length === 0) return;
    const results = await this.#import(batch.map(({ given }) => given));
    for (const [index, result] of results.entries()) await this.#record(batch[index] as ReadyRow, result);
    this.#file.onProgress(this.#report.rows, this.#part);
  }

  #import(rows: readonly RowReader[]): Promise<ImportedRow[]> {
    const { transfers, call } = this.#service;
    if (this.#users === undefined || this.#added + rows.length > maxImportedRows) {
      const requestId = derivedId(sha256Fingerprint, ["auth import"]);
      this.#users = transfers.beginImport({ requestId, validateOnly: this.#file.validateOnly });
      this.#added = 0;
    }
    this.#added += rows.length;
    return this.#users.add(call(), rows);
  }

  async #record({ row, leftOut, keptAs }: ReadyRow, result: ImportedRow): Promise<void> {
    const report = this.#report;
    report.rows += 1;
    if ("refused" in result) {
      report.refused += 1;
      count(report.refusedByReason, result.refused.reason);
      await this.#file.onRefused(row, result.refused);
      return;
    }
    if (result.alreadyImported) report.alreadyImported += 1;
    else report.imported += 1;
    for (const [kind, many] of Object.entries(leftOut)) count(report.notImported, kind, many);
    for (const attribute of keptAs) count(report.keptAs, attribute);
  }
}

function readyRow(row: FileRow, file: ImportFile): ReadyRow | Extract<ForeignRow, { skipped: unknown }> {
  try {
    const read = readRow(row, file);
    if ("skipped" in read) return read;
    const record = create(UserRecordSchema, read.record);
    return { row, given: toGivenRow(record), leftOut: read.leftOut ?? {}, keptAs: read.keptAs ?? [] };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const refuse = () => {
      throw error;
    };
    return { row, given: refuse, leftOut: {}, keptAs: [] };
  }
}

function readRow({ content }: FileRow, { format, withAttributes }: ImportFile): ForeignRow {
  if ("fault" in content) throw invalidField("INVALID_REQUEST", "row", content.fault);
  return format.read(content.value, { withAttributes });
}

function count(counts: Record<string, number>, kind: string, by = 1): void {
  counts[kind] = (counts[kind] ?? 0) + by;
}

function nameOfInput(path: string): string {
  return path === "-" ? "standard input" : path;
}
