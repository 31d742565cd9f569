import { randomUUID } from "node:crypto";
import type { Config } from "../../config/config.ts";
import { AuditEvents } from "../../domain/audit/event.ts";
import { ownCall } from "../../domain/call.ts";
import { KeyRing } from "../../domain/signing-key/key-ring.ts";
import type { SigningKeyStatus } from "../../domain/signing-key/signing-key.ts";
import { NodeSigningKeyPairs } from "../../infrastructure/crypto/signing-key-pairs.ts";
import { findWrappingKeys } from "../../infrastructure/crypto/wrapping-key-source.ts";
import type { ConnectedDatabase } from "../../infrastructure/db/open-database.ts";
import { storedSecrets } from "../../infrastructure/db/shared-secret.ts";
import { CockroachRepository } from "../../interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import type { SigningKeyReader } from "../../interfaces/relationaldb/signing-key-repository.ts";
import { formatTime } from "../text.ts";
import { type Check, type Finding, failed, ok, sentenceOf, warning } from "./finding.ts";

/** Checks of a database with all its tables: the wrapping keys must open its secrets and signing keys. */
export function secretsChecks(config: Config, { pool }: ConnectedDatabase): Check[] {
  return [secretsCheck(config, pool), signingKeysCheck(config, pool)];
}

type Pool = ConnectedDatabase["pool"];

function secretsCheck({ wrappingKeys: source }: Config, pool: Pool): Check {
  return {
    name: "secrets",
    async run() {
      const wrappingKeys = await findWrappingKeys(source);
      const shared = await storedSecrets(pool);
      // The private key of a revoked key is erased.
      const keys = (await signingKeysOf(pool).list()).keys.filter(
        ({ revokeTime }) => revokeTime === undefined,
      );
      const count = shared.length + keys.length;
      if (count === 0) return ok("There are none yet; the first start creates them.");
      if (wrappingKeys === undefined) {
        return failed(
          `The database holds ${count}, but the wrapping key is missing: restore it from its copy.`,
        );
      }
      const pairs = new NodeSigningKeyPairs(wrappingKeys);
      const faults = [
        ...shared.map(({ name, wrapped, boundTo }) =>
          faultOf(`Secret ${name}: `, () => wrappingKeys.unwrap(wrapped, boundTo).fill(0)),
        ),
        ...keys.map((row) => faultOf("", () => pairs.open(row))),
      ].filter((fault) => fault !== undefined);
      if (faults.length > 0) return faults;
      const old = [
        ...shared.map(({ wrapped }) => wrapped),
        ...keys.map((row) => row.wrappedPrivateKey),
      ].filter((wrapped) => !wrappingKeys.isCurrent(wrapped));
      return old.length === 0
        ? ok(`All ${count} are encrypted by the first wrapping key and can be decrypted.`)
        : warning(
            `All ${count} can be decrypted, ${old.length} of them only by an older wrapping key: run \`auth keys wrap\`.`,
          );
    },
  };
}

function faultOf(prefix: string, open: () => unknown): Finding | undefined {
  try {
    open();
    return undefined;
  } catch (error) {
    const sentence = sentenceOf(`${prefix}${(error as Error).message}`);
    return failed(`${sentence} Add the wrapping key that encrypted it behind the first one.`);
  }
}

function signingKeysCheck(config: Config, pool: Pool): Check {
  const { signing, wrappingKeys: source, eventRetentionMs } = config;
  return {
    name: "signing keys",
    async run() {
      const wrappingKeys = await findWrappingKeys(source);
      const { keys, time } = await signingKeysOf(pool).list();
      if (keys.length === 0 || wrappingKeys === undefined) {
        return ok("There are none yet; the first start creates one.");
      }
      const keyRing = new KeyRing({
        repository: new CockroachRepository(pool),
        pairs: new NodeSigningKeyPairs(wrappingKeys),
        algorithm: signing.algorithm,
        schedule: signing,
        events: new AuditEvents(randomUUID, eventRetentionMs),
        newId: randomUUID,
        monotonicMs: () => performance.now(),
      });
      return keysFinding(await keyRing.list(ownCall(timeoutMs)), time.getTime(), 2 * signing.maxAgeMs);
    },
  };
}

const timeoutMs = 10_000;

/** The finding about the signing keys at `time`. A successor is due `leadMs` before the signing key is replaced. */
export function keysFinding(keys: readonly SigningKeyStatus[], time: number, leadMs: number): Finding {
  const signing = keys.find(({ state }) => state === "signing");
  if (signing === undefined) return failed("No key signs: start the service, or run `auth keys rotate`.");
  const next = keys.find(({ state }) => state === "next");
  const until = formatTime(signing.deactivateTime);
  const says = `${signing.id} (${signing.algorithm}) signs until ${until}`;
  if (next !== undefined) return ok(`${says}; the next one is ${next.id} (${next.algorithm}).`);
  const dueMs = signing.deactivateTime.getTime() - leadMs;
  // Services check at least twice a minute.
  if (time - dueMs > 120_000) {
    return warning(
      `${signing.id} (${signing.algorithm}) should have been replaced at ${until}, and there is no next key: check that a service runs.`,
    );
  }
  return ok(`${says}; the next one is due ${formatTime(new Date(dueMs))}.`);
}

function signingKeysOf(pool: Pool): SigningKeyReader {
  return new CockroachRepository(pool).read(ownCall(timeoutMs)).signingKeys;
}
