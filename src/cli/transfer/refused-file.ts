import { type FileHandle, rm } from "node:fs/promises";
import type { FileRow } from "./files/file-row.ts";
import type { Layout } from "./files/layout.ts";
import { type RefusedRows, refusedRows } from "./files/refused-rows.ts";
import type { Refusal } from "./import-file.ts";
import { newFile } from "./new-file.ts";

/** A new file of refused rows in the format of the import, to be repaired and imported. */
export class RefusedFile implements AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #layout: Layout;
  #csvHeader = "";
  #rows: RefusedRows | undefined;

  private constructor(path: string, file: FileHandle, layout: Layout) {
    this.#path = path;
    this.#file = file;
    this.#layout = layout;
  }

  /** @throws StartError if the file exists or cannot be created */
  static async create(path: string, layout: Layout): Promise<RefusedFile> {
    return new RefusedFile(path, await newFile(path), layout);
  }

  /** Receives the header line of a CSV file. */
  setHeader(text: string): void {
    this.#csvHeader = text;
  }

  async add(row: FileRow, refusal: Refusal): Promise<void> {
    if (this.#rows === undefined) {
      this.#rows = refusedRows(this.#layout, this.#csvHeader);
      await this.#file.write(this.#rows.start);
    }
    await this.#file.write(this.#rows.refused({ row, ...refusal }));
  }

  /** Completes the file, or removes it if no row was refused. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#rows !== undefined) await this.#file.write(this.#rows.end);
    await this.#file.close();
    if (this.#rows === undefined) await rm(this.#path);
  }
}
