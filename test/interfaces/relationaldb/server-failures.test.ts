import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { databaseError } from "../../../src/infrastructure/db/sql-state.ts";
import { aCall } from "../../support/calls.ts";
import { query } from "../../support/embedded-postgres.ts";
import { wiredRepository } from "../../support/wired-repository.ts";

/** What callers get for a SQLSTATE; "as it came" leaves as INTERNAL: a statement of ours is to blame, or a value in it. */
type Answer = "DATABASE_UNAVAILABLE" | "DATABASE_READ_ONLY" | "OUTCOME_UNKNOWN" | "as it came";

interface Row {
  readonly codes: string;
  /** To a read, and to a write unless that has an answer of its own. */
  readonly answer: Answer;
  readonly toWrite?: Answer;
  readonly severity?: "FATAL";
}

/** Every SQLSTATE of the classes in which servers report their own failures: PostgreSQL 18 appendix A, CockroachDB's pgcode. */
const rows: readonly Row[] = [
  // Connection exceptions end the session.
  { codes: "08000 08001 08003 08004 08006 08007 08P01", severity: "FATAL", answer: "DATABASE_UNAVAILABLE" },
  // Invalid transaction states are defects of ours, except for what the server or its operator has decided.
  { codes: "25000 25001 25002 25003 25004 25005 25007 25008 25P01 25P02", answer: "as it came" },
  { codes: "25006", answer: "DATABASE_READ_ONLY" },
  { codes: "25P03 25P04", severity: "FATAL", answer: "DATABASE_UNAVAILABLE" },
  // Missing rights, also on the schema of a table; other errors of class 42 are errors in a statement.
  { codes: "42501 42P01 3F000", answer: "DATABASE_UNAVAILABLE" },
  { codes: "42601 42703 42883", answer: "as it came" },
  // Insufficient resources.
  { codes: "53000 53100 53200 53300 53400", answer: "DATABASE_UNAVAILABLE" },
  // Program limits are exceeded by a statement.
  { codes: "54000 54001", answer: "as it came" },
  // Operator intervention.
  { codes: "57000", answer: "DATABASE_UNAVAILABLE" },
  // 57014, cancelled, is tried again until the time is over: contention.test.ts.
  { codes: "57P01 57P02 57P03 57P04 57P05", severity: "FATAL", answer: "DATABASE_UNAVAILABLE" },
  // System errors.
  { codes: "58000 58030 58P01 58P02 58P03 58C00", answer: "DATABASE_UNAVAILABLE" },
  { codes: "58C01", answer: "DATABASE_UNAVAILABLE", toWrite: "OUTCOME_UNKNOWN" },
  // Internal errors: corrupted data, and CockroachDB without a license. The others are anybody's defects.
  { codes: "XX001 XX002 XXC02", answer: "DATABASE_UNAVAILABLE" },
  { codes: "XX000 XXA00 XXC01 XXUUU", answer: "as it came" },
];

const cases = rows.flatMap(({ codes, answer, toWrite = answer, severity = "ERROR" as const }) =>
  codes.split(" ").map((code) => ({ code, severity, answer, toWrite })),
);

describe("a server that answers every statement with", () => {
  const wired = wiredRepository();

  afterEach(() => {
    wired.proxy.faults = () => undefined;
  });

  const read = () => wired.repository.read(aCall(300)).users.find({ kind: "id", id: randomUUID() });
  const write = () =>
    wired.repository.transaction(aCall(300), ({ requests }) =>
      requests.claim({ id: randomUUID(), fingerprint: "f", secretHash: undefined }),
    );

  test.each(cases)("$code: a read is answered with $answer, a write with $toWrite", async (each) => {
    const { code, severity } = each;
    wired.proxy.faults = (statement) =>
      /\b(from users|into requests)\b/.test(statement)
        ? { when: "before", what: { code, severity, message: "injected" } }
        : undefined;
    for (const [work, answer] of [
      [read, each.answer],
      [write, each.toWrite],
    ] as const) {
      const error = await failureOf(work);
      if (answer === "as it came") {
        expect(databaseError(error)?.code).toBe(code);
        expect(error).not.toBeInstanceOf(DomainError);
        continue;
      }
      expect(error).toMatchObject({ name: "DomainError", reason: answer });
      if (answer !== "OUTCOME_UNKNOWN") expect(error).toHaveProperty("retryAfterMs", 1_000);
    }
  });

  // After a failover the pool's connections still lead to the old primary.
  test("25006: closes the connection that led to it, and no other", async () => {
    const sessions = async () => {
      const rows = await query(
        wired.database.uri,
        "select pid from pg_stat_activity where datname = current_database() and application_name = 'auth'",
      );
      return rows.map(({ pid }) => pid);
    };
    const before = await sessions();
    let refused = 0;
    wired.proxy.faults = (statement) => {
      if (!statement.includes("into requests") || refused > 0) return undefined;
      refused += 1;
      return { when: "before", what: { code: "25006", message: "cannot execute INSERT" } };
    };
    await expect(write()).rejects.toMatchObject({ reason: "DATABASE_READ_ONLY" });
    const left = async () => {
      const now = await sessions();
      return before.filter((pid) => now.includes(pid)).length;
    };
    await expect.poll(left).toBe(before.length - 1);
    await expect(write()).resolves.toBeUndefined();
  });
});

/** The error that work ends with, which the end of its time may hide a few times. */
async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  for (let tries = 0; ; tries++) {
    const error = await work().then(
      () => expect.fail("it was answered"),
      (thrown: unknown) => thrown,
    );
    if ((error as Error).name !== "TimeoutError" || tries === 5) return error;
  }
}
