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
import type { PresentedKey, ServiceAccountKeys } from "./service-account-keys.ts";
import { parseSpiffeId, type SpiffeId } from "./spiffe-id.ts";

/** The credentials that a call presents. */
export interface Evidence {
  readonly peer: Peer;
  /** The `authorization` header. */
  readonly authorization: Secret | undefined;
  /** The `x-forwarded-client-cert` header. */
  readonly forwardedCertificate: string | undefined;
}

/** An authenticated caller and its grants. */
export interface Caller {
  /** A SPIFFE ID, "serviceAccounts/" and an id, or "anonymous". */
  readonly name: string;
  readonly grants: Grants;
}

/** How callers are identified. */
export interface CallerRules {
  /** Whether callers without credentials may do everything. For development. */
  readonly anonymous: boolean;
  readonly trustDomains: ReadonlySet<string>;
  /** Whether the peer is a sidecar that is trusted to forward the certificate of its client. */
  readonly isSidecar: (peer: Peer) => boolean;
}

const lookUpMs = 2_000;

const bearer = /^Bearer +(\S+)$/i;

/**
 * Identifies callers: by a key, by the certificate that a sidecar forwards, or by the certificate of the connection.
 * Invalid credentials are refused: the caller never falls back to weaker ones.
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
    /** Returns the current policy. */
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
   * @param maxAgeMs maximum age of a remembered lookup of a key; concurrent callers share a younger one
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

  /** Discards all remembered keys, after this instance has changed one. */
  forget(): void {
    this.#memory.clear();
  }

  /** Records which keys were used recently. For a background task. */
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

  /** Checks memory first, then the checksum, and queries the database only for keys that this service issued. */
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

  /** Uses a call of its own: other callers may share this lookup, and the first must not cancel it for them. */
  async #find({ id, digest }: PresentedKey): Promise<KeyAndAccount | undefined> {
    const found = await this.#repository.read(ownCall(lookUpMs)).serviceAccounts.findKey(id);
    if (found === undefined || !this.#keys.equal(found.digest, digest)) return undefined;
    if (found.good) this.#used.add(id);
    return found;
  }

  /** Whether a key has expired since it was looked up, by the local clock. */
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
    // The certificate was valid when the connection was made, which may be long ago.
    if (expiresAt <= this.#now()) throw unauthenticated("the client certificate has expired");
    const id = this.#idIn(uris);
    // A CA can sign any name, so it is trusted only for workloads of its own trust domain.
    if (id.trustDomain !== trustDomain) {
      throw unauthenticated(`the client certificate is not signed by a CA of ${id.trustDomain}`);
    }
    return this.#byId(id);
  }

  /** X509-SVID §2: the certificate has exactly one URI, which is a SPIFFE ID. */
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

// Created once, and rejected rather than thrown: in V8, locating where an error is created and thrown is most of its
// cost, and callers without credentials decide how often this happens.
const noCredentials = unauthenticated(
  "no credentials: present a client certificate or `authorization: Bearer auth_sa_...`",
);
const foreignKey = unauthenticated(
  "malformed, truncated or foreign key: expected auth_sa_ and 70 characters, issued by this service",
);

function unauthenticated(why: string): DomainError {
  return new DomainError("CALLER_UNAUTHENTICATED", why);
}
