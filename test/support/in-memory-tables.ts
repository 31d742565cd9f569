import type { AuditEvent } from "../../src/domain/audit/event.ts";
import type { ServiceAccountKeyRow, ServiceAccountRow } from "../../src/domain/caller/service-account.ts";
import type { EndReason, SessionRow } from "../../src/domain/session/session.ts";
import type { SigningKeyRow } from "../../src/domain/signing-key/signing-key.ts";
import type { UserRow } from "../../src/domain/user/user.ts";
import type { ConcludedRequest } from "../../src/interfaces/relationaldb/request-repository.ts";

/** A key with what is stored of it. */
export type KeyRow = ServiceAccountKeyRow & { readonly digest: Uint8Array };

/** What the RelationalRepository in memory keeps. States are those of when a row was written: nobody reads them. */
export interface Tables {
  readonly users: Map<string, UserRow>;
  /** By user id. */
  readonly importDigests: Map<string, string>;
  readonly passwordHashes: Map<string, string>;
  readonly requests: Map<string, ConcludedRequest & { createTime: Date }>;
  readonly sessions: Map<string, StoredSession>;
  /** How often all sessions of a user were ended, by their id. */
  readonly sessionEpochs: Map<string, number>;
  /** What was not yet written into the sessions of an epoch, by user and epoch. */
  readonly sessionEnds: Map<string, SessionEpochEnd>;
  readonly signingKeys: Map<string, SigningKeyRow>;
  readonly serviceAccounts: Map<string, ServiceAccountRow>;
  readonly serviceAccountKeys: Map<string, KeyRow>;
  /** By user and digest. */
  readonly devices: Map<
    string,
    { id: string; userId: string; digest: string; createTime: Date; expireTime: Date }
  >;
  /** By what they are counted under. Times in milliseconds. */
  readonly accountAttempts: Map<
    string,
    { attemptId: string; failures: number; lockEnd: number; purgeTime: number | undefined }
  >;
  readonly networkAttempts: Map<string, { attemptId: string; failures: number; windowEnd: number }>;
  /** In the order in which they were written. */
  readonly events: Map<string, StoredEvent>;
  /** The last place that an event was given. */
  head: number;
}

export type StoredSession = SessionRow & {
  readonly purgeTime: Date;
  readonly epoch: number;
  readonly repeats: number;
};

export interface SessionEpochEnd {
  readonly userId: string;
  readonly epoch: number;
  readonly endTime: Date;
  readonly endReason: EndReason;
}

export type StoredEvent = AuditEvent & { readonly purgeTime: Date; readonly position: number | undefined };

export function noTables(): Tables {
  return {
    users: new Map(),
    importDigests: new Map(),
    passwordHashes: new Map(),
    requests: new Map(),
    sessions: new Map(),
    sessionEpochs: new Map(),
    sessionEnds: new Map(),
    signingKeys: new Map(),
    serviceAccounts: new Map(),
    serviceAccountKeys: new Map(),
    devices: new Map(),
    accountAttempts: new Map(),
    networkAttempts: new Map(),
    events: new Map(),
    head: 0,
  };
}

export function copyOf(tables: Tables): Tables {
  return {
    users: new Map(tables.users),
    importDigests: new Map(tables.importDigests),
    passwordHashes: new Map(tables.passwordHashes),
    requests: new Map(tables.requests),
    sessions: new Map(tables.sessions),
    sessionEpochs: new Map(tables.sessionEpochs),
    sessionEnds: new Map(tables.sessionEnds),
    signingKeys: new Map(tables.signingKeys),
    serviceAccounts: new Map(tables.serviceAccounts),
    serviceAccountKeys: new Map(tables.serviceAccountKeys),
    devices: new Map(tables.devices),
    accountAttempts: new Map(tables.accountAttempts),
    networkAttempts: new Map(tables.networkAttempts),
    events: new Map(tables.events),
    head: tables.head,
  };
}

/** The state of a user at a time. */
export function stateOf({ deleteTime, suspendTime, suspendUntilTime }: UserRow, time: Date) {
  if (deleteTime !== undefined) return "deleted";
  const suspended = suspendTime !== undefined && (suspendUntilTime === undefined || suspendUntilTime > time);
  return suspended ? "suspended" : "active";
}

/** Where a user's device with a digest stands. */
export function deviceKey(userId: string, digest: string): string {
  return `${userId} ${digest}`;
}
