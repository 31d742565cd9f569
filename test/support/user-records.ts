import { randomUUID } from "node:crypto";
import { hash } from "@node-rs/argon2";
import type { RowReader } from "../../src/domain/transfer/user-import.ts";
import type { UserRecord } from "../../src/domain/transfer/user-record.ts";
import { cheapArgon2, password } from "./services.ts";

/** A record whose identifiers no other has, as a row. */
export function aRow(changes: Partial<UserRecord> = {}): RowReader {
  const name = `ada-${randomUUID()}`;
  const nothing = {
    id: undefined,
    passwordHash: undefined,
    createTime: undefined,
    suspension: undefined,
    deleteTime: undefined,
  };
  const record = {
    ...nothing,
    email: `${name}@example.com`,
    username: name,
    displayName: "",
    attributes: {},
    ...changes,
  };
  return () => record;
}

/** A PHC string of `password`, as it costs this test next to nothing. */
export function hashOfPassword(): Promise<string> {
  const { memoryKib: memoryCost, iterations: timeCost, parallelism } = cheapArgon2;
  return hash(password, { memoryCost, timeCost, parallelism });
}
