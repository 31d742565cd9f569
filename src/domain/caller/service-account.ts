import { DomainError } from "../errors.ts";

/** A stored service account. */
export interface ServiceAccountRow {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly roles: readonly string[];
  readonly createTime: Date;
  readonly updateTime: Date;
  readonly disableTime?: Date | undefined;
  readonly version: number;
}

/** A stored key of a service account, without the secret. */
export interface ServiceAccountKeyRow {
  readonly id: string;
  readonly accountId: string;
  readonly displayName: string;
  /** The caller that created it, as in Origin. Undefined if that was not recorded. */
  readonly creator?: string | undefined;
  readonly createTime: Date;
  readonly expireTime?: Date | undefined;
  readonly lastUseTime?: Date | undefined;
  readonly disableTime?: Date | undefined;
}

export type ServiceAccountKey = ServiceAccountKeyRow;

/** A caller that authenticates with keys. */
export class ServiceAccount {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly roles: readonly string[];
  readonly createTime: Date;
  readonly updateTime: Date;
  /** When it was disabled; its keys are refused from then on. Undefined if it is enabled. */
  readonly disableTime: Date | undefined;
  readonly version: number;

  private constructor(row: ServiceAccountRow) {
    this.id = row.id;
    this.name = row.name;
    this.displayName = row.displayName;
    this.roles = row.roles;
    this.createTime = row.createTime;
    this.updateTime = row.updateTime;
    this.disableTime = row.disableTime;
    this.version = row.version;
  }

  static fromRow(row: ServiceAccountRow): ServiceAccount {
    return new ServiceAccount(row);
  }

  /** Its name in policies and events. */
  get caller(): string {
    return `serviceAccounts/${this.id}`;
  }

  get etag(): string {
    return String(this.version);
  }

  /** @throws ETAG_MISMATCH */
  assertEtag(etag: string | undefined): void {
    if (etag === undefined || etag === this.etag) return;
    throw new DomainError(
      "ETAG_MISMATCH",
      "the service account has changed since it was read; read it again",
    );
  }
}

export function serviceAccountNotFound(): DomainError {
  return new DomainError("SERVICE_ACCOUNT_NOT_FOUND", "service account not found");
}

export function serviceAccountKeyNotFound(): DomainError {
  return new DomainError("SERVICE_ACCOUNT_KEY_NOT_FOUND", "service account key not found");
}
