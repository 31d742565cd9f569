import type { ForeignRow, ReadOptions } from "../../../src/cli/transfer/formats/foreign.ts";
import { DomainError } from "../../../src/domain/errors.ts";

type Reader = (value: unknown, options: ReadOptions) => ForeignRow;

/** What a reader makes of a row: times as text, and of a refusal its reason and message. */
export function readWith(reader: Reader, value: unknown, withAttributes = false) {
  try {
    const row = reader(value, { withAttributes });
    if ("skipped" in row) return { skipped: row.skipped };
    const { createTime, ...user } = row.record.user ?? {};
    return {
      user,
      createTime: createTime && new Date(Number(createTime.seconds) * 1_000 + (createTime.nanos ?? 0) / 1e6),
      passwordHash: row.record.passwordHash,
      leftOut: row.leftOut,
      keptAs: row.keptAs,
    };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { refused: `${error.reason} ${error.message}` };
  }
}
