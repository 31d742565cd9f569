import type { SessionRow } from "../../src/domain/session/session.ts";
import type { SigningKeyRow } from "../../src/domain/signing-key/signing-key.ts";
import type { UserRow } from "../../src/domain/user/user.ts";
import type { ConcludedRequest } from "../../src/interfaces/relationaldb/request-repository.ts";

/** What the RelationalRepository in memory keeps. States are those of when a row was written: nobody reads them. */
export interface Tables {
  readonly users: Map<string, UserRow>;
  readonly passwordHashes: Map<string, string>;
  readonly requests: Map<string, ConcludedRequest & { createTime: Date }>;
  readonly sessions: Map<string, SessionRow & { purgeTime: Date }>;
  readonly signingKeys: Map<string, SigningKeyRow>;
}

export function noTables(): Tables {
  return {
    users: new Map(),
    passwordHashes: new Map(),
    requests: new Map(),
    sessions: new Map(),
    signingKeys: new Map(),
  };
}

export function copyOf({ users, passwordHashes, requests, sessions, signingKeys }: Tables): Tables {
  return {
    users: new Map(users),
    passwordHashes: new Map(passwordHashes),
    requests: new Map(requests),
    sessions: new Map(sessions),
    signingKeys: new Map(signingKeys),
  };
}

/** The state of a user at a time. */
export function stateOf({ deleteTime, suspendTime, suspendUntilTime }: UserRow, time: Date) {
  if (deleteTime !== undefined) return "deleted";
  const suspended = suspendTime !== undefined && (suspendUntilTime === undefined || suspendUntilTime > time);
  return suspended ? "suspended" : "active";
}
