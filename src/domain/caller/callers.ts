import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { KeyAndAccount } from "../../interfaces/relationaldb/service-account-repository.ts";
import { type Call, ownCall } from "../call.ts";
import { DomainError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { forwardedUris } from "./forwarded-certificate.ts";
import { Grants } from "./grants.ts";
import { KeyMemory } from "./key-memory.ts";
import type { Peer, PeerCertificate } from "./peer.ts";
import type { Policy } from "./policy.ts";
import type { ServiceAccountKeys, ShownKey } from "./service-account-keys.ts";
import { parseSpiffeId, type SpiffeId } from "./spiffe-id.ts";

/** What a call shows of its caller. */
export interface Evidence {
  readonly peer: Peer;
  /** The header `authorization`. */
  readonly authorization: Secret | undefined;
  /** The header `x-forwarded-client-cert`. */
  readonly forwardedCertificate: string | undefined;
}

/** Who calls, and what that is good for. */
export interface Caller {
  /** A SPIFFE ID, "serviceAccounts/" and an id, or "anonymous". */
  readonly name: string;
  readonly grants: Grants;
}

/** How callers are told. */
export interface CallerRules {
  /** Whether a caller without any evidence may do everything: for development. */
  readonly anonymous: boolean;
  readonly trustDomains: ReadonlySet<string>;
  /** Whether a peer is the sidecar that may say whose certificate it was shown. */
  readonly isSidecar: (peer: Peer) => boolean;
}

const lookUpMs = 2_000;

const bearer = /^Bearer +(\S+)$/i;

/**
 * Finds out who calls: by a key, by the certificate that a sidecar was shown, by the certificate of the connection, or not
 * at all. What is shown must be good: nobody falls back to less than they have shown.
 */
export class Callers {
  readonly #repository: RelationalRepository;
  readonly #keys: ServiceAccountKeys;
  readonly #policy: () => Policy;
  readonly #rules: CallerRules;
  readonly #now: () => number;
  readonly #memory: KeyMemory;
  readonly #used = new Set<string>();

  constructor(dependencies: {
    repository: RelationalRepository;
    keys: ServiceAccountKeys;
    /** The policy as it is now. */
    policy: () => Policy;
    rules: CallerRules;
    now: () => number;
    monotonicMs: () => number;
  }) {
    this.#repository = dependencies.repository;
    this.#keys = dependencies.keys;
    this.#policy = dependencies.policy;
    this.#rules = dependencies.rules;
    this.#now = dependencies.now;
    this.#memory = new KeyMemory(dependencies.monotonicMs);
  }

  /**
   * @param maxAgeMs how old a remembered lookup of a key may be; a younger one is shared by all who ask
   * @throws CALLER_UNAUTHENTICATED with what is wrong; DATABASE_UNAVAILABLE if a key cannot be looked up
   */
  async identify(
    { peer, authorization, forwardedCertificate }: Evidence,
    maxAgeMs?: number,
  ): Promise<Caller> {
    if (authorization !== undefined) return this.#byKey(authorization, maxAgeMs);
    if (this.#rules.isSidecar(peer)) return this.#byForwarded(forwardedCertificate);
    if (peer.certificate !== undefined) return this.#byCertificate(peer.certificate);
    if (this.#rules.anonymous) return { name: "anonymous", grants: Grants.everything };
    return Promise.reject(noCredentials);
  }

  /** Looks every key up anew: after a change of this instance's own. */
  forget(): void {
    this.#memory.clear();
  }

  /** Notes which keys were used lately. For a task in the background. */
  async noteUses(call: Call): Promise<void> {
    const used = [...this.#used];
    if (used.length === 0) return;
    this.#used.clear();
    await this.#repository.transaction(call, ({ serviceAccounts }) => serviceAccounts.touchKeys(used));
  }

  async #byKey(authorization: Secret, maxAgeMs: number | undefined): Promise<Caller> {
    const [, text] = bearer.exec(authorization.reveal()) ?? [];
    const known = text === undefined ? undefined : await this.#lookUp(text, maxAgeMs);
    if (known === undefined || !known.good || this.#isOver(known)) {
      throw unauthenticated("the key is unknown, disabled or expired");
    }
    const { caller: name, roles } = known.account;
    return { name, grants: this.#policy().grantsOf(name, roles) };
  }

  /** First memory, then the checksum, and only for a key that this service issued the database. */
  #lookUp(text: string, maxAgeMs: number | undefined): Promise<KeyAndAccount | undefined> {
    const fingerprint = this.#keys.fingerprint(text);
    const remembered = this.#memory.get(fingerprint, maxAgeMs);
    if (remembered !== undefined) return remembered;
    const shown = this.#keys.read(text);
    if (shown === undefined) {
      throw foreignKey;
    }
    const found = this.#find(shown);
    this.#memory.keep(fingerprint, found);
    return found;
  }

  /** In a call of our own: others may come to wait for it, and the first must not end it for them. */
  async #find({ id, digest }: ShownKey): Promise<KeyAndAccount | undefined> {
    const found = await this.#repository.read(ownCall(lookUpMs)).serviceAccounts.findKey(id);
    if (found === undefined || !this.#keys.equal(found.digest, digest)) return undefined;
    if (found.good) this.#used.add(id);
    return found;
  }

  /** A key that has expired since it was looked up, by this machine's clock. */
  #isOver({ expireTime }: KeyAndAccount): boolean {
    return expireTime !== undefined && expireTime.getTime() <= this.#now();
  }

  #byForwarded(header: string | undefined): Caller {
    if (header === undefined) throw unauthenticated("the sidecar forwarded no client certificate");
    const uris = forwardedUris(header);
    if (uris === undefined) throw unauthenticated("the forwarded client certificate is malformed");
    return this.#byId(this.#idIn(uris));
  }

  #byCertificate({ fault, expiresAt, trustDomain, uris }: PeerCertificate): Caller {
    if (fault !== undefined) throw unauthenticated(`the client certificate is not trusted: ${fault}`);
    // It was good when the connection was made, which may be long ago.
    if (expiresAt <= this.#now()) throw unauthenticated("the client certificate has expired");
    const id = this.#idIn(uris);
    // Any authority can write any name: it speaks for the workloads of its own trust domain only.
    if (id.trustDomain !== trustDomain) {
      throw unauthenticated(`the client certificate is not signed by a CA of ${id.trustDomain}`);
    }
    return this.#byId(id);
  }

  /** X509-SVID §2: exactly one URI, and it is a SPIFFE ID. */
  #idIn([uri, ...others]: readonly string[]): SpiffeId {
    if (uri === undefined) throw unauthenticated("the client certificate has no SPIFFE ID");
    if (others.length > 0)
      throw unauthenticated("the client certificate has more than one URI; an X.509-SVID has exactly one");
    const id = parseSpiffeId(uri);
    if (id === undefined)
      throw unauthenticated("the URI of the client certificate is not a workload SPIFFE ID");
    if (!this.#rules.trustDomains.has(id.trustDomain)) {
      throw unauthenticated("the trust domain of the SPIFFE ID is not configured (AUTH_TRUST_DOMAINS)");
    }
    return id;
  }

  #byId({ text }: SpiffeId): Caller {
    return { name: text, grants: this.#policy().grantsOf(text, []) };
  }
}

// Made once, and rejected rather than thrown: V8 looks for where an error was made and thrown, and that is most of its cost.
// Callers without credentials choose how many of these there are.
const noCredentials = unauthenticated(
  "no credentials: present a client certificate or `authorization: Bearer auth_sa_...`",
);
const foreignKey = unauthenticated(
  "malformed, truncated or foreign key: expected auth_sa_ and 70 characters, issued by this service",
);

function unauthenticated(why: string): DomainError {
  return new DomainError("CALLER_UNAUTHENTICATED", why);
}
