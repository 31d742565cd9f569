import { type CallerRules, Callers } from "../../src/domain/caller/callers.ts";
import { Policy } from "../../src/domain/caller/policy.ts";
import { ServiceAccountService } from "../../src/domain/caller/service-account-service.ts";
import { DomainError } from "../../src/domain/errors.ts";
import { HmacServiceAccountKeys } from "../../src/infrastructure/crypto/hmac-service-account-keys.ts";
import type { Readers } from "../../src/interfaces/relationaldb/relational-repository.ts";
import { aCall } from "./calls.ts";
import { auditEvents } from "./events.ts";
import { InMemoryRepository } from "./in-memory-repository.ts";

/** A repository that counts what it is asked, and that a test can take away. */
export class CountingRepository extends InMemoryRepository {
  reads = 0;
  isAway = false;

  override read(call: Parameters<InMemoryRepository["read"]>[0]): Readers {
    this.reads += 1;
    if (this.isAway) throw new DomainError("DATABASE_UNAVAILABLE", "the database cannot be reached");
    return super.read(call);
  }
}

/**
 * Callers in real time, with a service account and its key. The account is changed as by another instance: the callers
 * learn of a change only by asking the repository.
 */
export async function knownCallers(rules: Partial<CallerRules> = {}) {
  const repository = new CountingRepository(() => new Date());
  const keys = new HmacServiceAccountKeys(Buffer.alloc(32, 1));
  let policy = Policy.builtIn;
  const callers = new Callers({
    repository,
    keys,
    policy: () => policy,
    rules: {
      anonymous: false,
      trustDomains: new Set(["prod.example"]),
      isSidecar: () => false,
      ...rules,
    },
    now: Date.now,
    monotonicMs: () => performance.now(),
  });
  let ids = 0;
  const accounts = new ServiceAccountService({
    repository,
    keys,
    policy: () => policy,
    pageTokens: { seal: () => "", open: () => undefined },
    events: auditEvents,
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`,
    onChange: () => {},
  });
  const account = await accounts.create(aCall(), { name: "billing", displayName: "", roles: ["admin"] });
  const makeKey = async (expireTime?: Date) => {
    const made = await accounts.createKey(aCall(), { accountId: account.id, displayName: "", expireTime });
    return { id: made.key.id, authorization: `Bearer ${made.text.reveal()}` };
  };
  return { repository, callers, accounts, account, makeKey, setPolicy: (next: Policy) => (policy = next) };
}
