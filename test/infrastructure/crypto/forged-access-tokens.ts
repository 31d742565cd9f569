import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
} from "node:crypto";
import type { PublicJwk } from "../../../src/domain/signing-key/signing-key.ts";
import { damagedAccessTokens } from "./damaged-access-tokens.ts";

/** A token that must not be taken for one of ours. */
export interface Forgery {
  readonly name: string;
  readonly token: string;
}

/** What anybody can have: the key that is published, and two tokens that it has signed. */
export interface PubliclyKnown {
  readonly publicJwk: PublicJwk;
  readonly good: string;
  readonly other: string;
}

/**
 * The forgeries that need nothing but what anybody can have (RFC 8725 §2, and what other libraries were told of). Those that
 * need the private key are in mis-signed-access-tokens.ts.
 */
export function forgedAccessTokens(known: PubliclyKnown): Forgery[] {
  const forger = new Forger(known);
  return [
    ...unsigned(forger),
    ...byMac(forger),
    ...byAnotherAlgorithm(forger),
    ...byKeysOfTheirOwn(forger),
    ...byKeyIds(forger),
    ...damagedAccessTokens(known),
  ];
}

type Members = Record<string, unknown>;

/** Somebody with a token, the public key, and keys of their own. */
class Forger {
  readonly header: Members;
  readonly payload: string;
  readonly signature: string;
  readonly publicKey: KeyObject;
  readonly publicJwk: PublicJwk;
  readonly isEc: boolean;

  constructor({ publicJwk, good }: PubliclyKnown) {
    const [header = "", payload = "", signature = ""] = good.split(".");
    this.header = JSON.parse(Buffer.from(header, "base64url").toString());
    this.payload = payload;
    this.signature = signature;
    this.publicJwk = publicJwk;
    const { y, ...rest } = publicJwk;
    this.publicKey = createPublicKey({ key: y === undefined ? rest : { ...rest, y }, format: "jwk" });
    this.isEc = publicJwk.kty === "EC";
  }

  /** What is to be signed, under the good header but for the members given; undefined ones are left out. */
  input(changes: Members): string {
    const header = JSON.stringify({ ...this.header, ...changes });
    return `${Buffer.from(header).toString("base64url")}.${this.payload}`;
  }

  mac(bits: number, secret: string | Buffer, changes: Members = {}): string {
    const input = this.input({ alg: `HS${bits}`, ...changes });
    return `${input}.${createHmac(`sha${bits}`, secret).update(input).digest("base64url")}`;
  }

  signed(digest: string | null, key: SignKeyObjectInput, changes: Members): string {
    const input = this.input(changes);
    const options: SignKeyObjectInput = { dsaEncoding: "ieee-p1363", ...key };
    return `${input}.${sign(digest, Buffer.from(input), options).toString("base64url")}`;
  }

  /** By a key of their own, of the right algorithm. */
  signedByOwn(changes: (own: { jwk: object; der: string }) => Members): string {
    const { privateKey, publicKey } = this.isEc
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("ed25519");
    const jwk = publicKey.export({ format: "jwk" });
    const der = publicKey.export({ format: "der", type: "spki" }).toString("base64");
    return this.signed(this.isEc ? "sha256" : null, { key: privateKey }, changes({ jwk, der }));
  }
}

function* unsigned(forger: Forger): Iterable<Forgery> {
  for (const alg of ["none", "None", "NoNe", "NONE", "nOnE", "none ", "", null, undefined, 0, false, []]) {
    const name = alg === undefined ? "missing" : JSON.stringify(alg);
    yield { name: `alg ${name}, without a signature`, token: `${forger.input({ alg })}.` };
    yield {
      name: `alg ${name}, with the old signature`,
      token: `${forger.input({ alg })}.${forger.signature}`,
    };
  }
  yield { name: "alg none in two parts", token: forger.input({ alg: "none" }) };
  yield { name: "alg none without a kid", token: `${forger.input({ alg: "none", kid: undefined })}.` };
  yield { name: "our alg, without a signature", token: `${forger.input({})}.` };
}

/** The public key, in every form that a careless library makes of it, as the secret of an HMAC (RFC 8725 §2.1). */
function* byMac(forger: Forger): Iterable<Forgery> {
  const { publicKey, publicJwk, header } = forger;
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  const der = publicKey.export({ format: "der", type: "spki" });
  const x = Buffer.from(publicJwk.x, "base64url");
  const y = Buffer.from(publicJwk.y ?? "", "base64url");
  const secrets: [string, string | Buffer][] = [
    ["PEM", pem],
    ["PEM without its last line's end", pem.trimEnd()],
    ["DER", der],
    ["JWK", JSON.stringify(publicJwk)],
    ["raw point", forger.isEc ? Buffer.concat([Buffer.of(4), x, y]) : x],
    ["x in base64url", publicJwk.x],
  ];
  for (const bits of [256, 384, 512]) {
    for (const [name, secret] of secrets) {
      yield { name: `HS${bits} by the public key as ${name}`, token: forger.mac(bits, secret) };
    }
    yield { name: `HS${bits} by an empty secret`, token: forger.mac(bits, "") };
  }
  yield { name: "HS256 by the kid", token: forger.mac(256, `${header["kid"]}`) };
  yield { name: "our alg over an HMAC", token: forger.mac(512, pem, { alg: header["alg"] }) };
}

function* byAnotherAlgorithm(forger: Forger): Iterable<Forgery> {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const curve = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;
  const [ed25519, ed448] = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed448")];
  const pss = { key: rsa, padding: 6, saltLength: 32 };
  const keys: [string, string | null, SignKeyObjectInput][] = [
    ["RS256", "sha256", { key: rsa }],
    ["PS256", "sha256", pss],
    ["ES256", "sha256", { key: curve("P-256") }],
    ["ES384", "sha384", { key: curve("P-384") }],
    ["ES512", "sha512", { key: curve("P-521") }],
    ["ES256K", "sha256", { key: curve("secp256k1") }],
    ["EdDSA", null, { key: ed25519.privateKey }],
    ["Ed25519", null, { key: ed25519.privateKey }],
    ["Ed448", null, { key: ed448.privateKey }],
  ];
  for (const [alg, digest, key] of keys) {
    yield { name: `${alg} by another key`, token: forger.signed(digest, key, { alg }) };
    yield { name: `our alg over a signature of ${alg}`, token: forger.signed(digest, key, {}) };
    yield {
      name: `alg ${alg} over the old signature`,
      token: `${forger.input({ alg, x: 1 })}.${forger.signature}`,
    };
  }
}

/** A header that brings its key along, or says where it is (RFC 8725 §3.10). */
function* byKeysOfTheirOwn(forger: Forger): Iterable<Forgery> {
  const url = "https://attacker.example/keys";
  const ways: [string, (own: { jwk: object; der: string }) => Members][] = [
    ["jwk", ({ jwk }) => ({ jwk })],
    ["jwk and no kid", ({ jwk }) => ({ jwk, kid: undefined })],
    ["jwk with our kid", ({ jwk }) => ({ jwk: { ...jwk, kid: forger.header["kid"] } })],
    ["jku", () => ({ jku: url })],
    ["jku on this machine", () => ({ jku: "http://127.0.0.1:1/keys" })],
    ["jku of a file", () => ({ jku: "file:///dev/zero" })],
    ["x5u", () => ({ x5u: url })],
    ["x5c", ({ der }) => ({ x5c: [der] })],
    ["x5t", () => ({ x5t: "AAAAAAAAAAAAAAAAAAAAAAAAAAA" })],
    ["x5t#S256", () => ({ "x5t#S256": "A".repeat(43) })],
    ["kid of another key", () => ({ kid: "00000000-0000-4000-8000-000000000000" })],
    ["nothing to say so", () => ({})],
  ];
  for (const [name, changes] of ways) {
    yield { name: `by a key of their own, ${name}`, token: forger.signedByOwn(changes) };
  }
}

/** Key ids of all kinds: none that our key has signed. */
export const strangeKeyIds: readonly (readonly [string, unknown])[] = [
  ["missing", undefined],
  ["empty", ""],
  ["null", null],
  ["a number", 0],
  ["true", true],
  ["an array", []],
  ["an object", {}],
  ["a path", "../../../../../../dev/null"],
  ["a path and a NUL", "/dev/null\0"],
  ["SQL", "' or '1'='1"],
  ["SQL that answers a key", "x' union select 'QUFB' -- "],
  ["a command", "|sleep 10"],
  ["1 MB", "k".repeat(1 << 20)],
  ["4,000 characters", "k".repeat(4_000)],
  ["__proto__", "__proto__"],
  ["constructor", "constructor"],
  ["toString", "toString"],
  ["size", "size"],
  ["a URL", "https://attacker.example/key"],
];

function* byKeyIds(forger: Forger): Iterable<Forgery> {
  for (const [name, kid] of strangeKeyIds) {
    yield { name: `kid: ${name}`, token: forger.signedByOwn(() => ({ kid })) };
    yield { name: `kid: ${name}, HS256 by an empty secret`, token: forger.mac(256, "", { kid }) };
  }
  const kid = `${forger.header["kid"]}`;
  for (const [name, near] of [
    ["in capitals", kid.toUpperCase()],
    ["with a space", `${kid} `],
    ["in an array", [kid]],
  ]) {
    yield { name: `kid: ours ${name}`, token: `${forger.input({ kid: near })}.${forger.signature}` };
  }
}
