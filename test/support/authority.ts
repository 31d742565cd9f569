import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";

/** A certificate and its key in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate is to say. */
export interface Wanted {
  readonly commonName: string;
  /** Subject alternative names. */
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** Whether it may sign others. */
  readonly authority?: boolean;
  /** Milliseconds from now. */
  readonly startsIn?: number;
  readonly endsIn?: number;
}

const hour = 3_600_000;

/**
 * A certificate authority for localhost and 127.0.0.1, made afresh, that signs others. Made here, because Node can read
 * certificates and not write them, and a key that lies in a repository is found by everybody who looks for one.
 */
export class Authority {
  readonly pair: Pair;
  readonly #name: string;

  /** @param parent who signs its certificate; itself if not given */
  constructor(commonName: string, validity: Pick<Wanted, "startsIn" | "endsIn"> = {}, parent?: Authority) {
    this.#name = commonName;
    const wanted = { commonName, dnsNames: ["localhost"], authority: true, ...validity };
    this.pair = parent ? parent.issue(wanted) : makePair(wanted, commonName, undefined);
  }

  /** Another authority, whose certificate this one signs. */
  intermediate(commonName: string, validity: Pick<Wanted, "startsIn" | "endsIn"> = {}): Authority {
    return new Authority(commonName, validity, this);
  }

  issue(wanted: Wanted): Pair {
    return makePair(wanted, this.#name, createPrivateKey(this.pair.key));
  }

  /** Cross-signs another authority: a certificate of its name and key, in PEM. */
  certify(other: Authority): string {
    const wanted = { commonName: other.#name, authority: true };
    const subjectKey = createPrivateKey(other.pair.key);
    return makePair(wanted, this.#name, createPrivateKey(this.pair.key), subjectKey).cert;
  }
}

/**
 * @param issuerKey undefined for a certificate that signs itself
 * @param privateKey the subject's
 */
function makePair(
  wanted: Wanted,
  issuer: string,
  issuerKey: KeyObject | undefined,
  privateKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
): Pair {
  const publicKey = createPublicKey(privateKey);
  const tbs = toBeSigned(wanted, issuer, publicKey);
  const signature = sign("sha256", tbs, issuerKey ?? privateKey);
  return {
    cert: pem("CERTIFICATE", sequence(tbs, ecdsaWithSha256, bitString(signature))),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

/** RFC 5280, section 4.1. */
function toBeSigned(wanted: Wanted, issuer: string, publicKey: KeyObject): Buffer {
  const { commonName, uris = [], dnsNames = [], authority = false } = wanted;
  const { startsIn = -hour, endsIn = 24 * hour } = wanted;
  const validity = sequence(time(Date.now() + startsIn), time(Date.now() + endsIn));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const version3 = tagged(0xa0, integer(2));
  const names = [
    ...dnsNames.map((name) => tagged(0x82, Buffer.from(name))),
    ...uris.map((uri) => tagged(0x86, Buffer.from(uri))),
    tagged(0x87, Buffer.of(127, 0, 0, 1)),
  ];
  const extensions = sequence(
    sequence(oid.basicConstraints, yes, tagged(0x04, authority ? sequence(yes) : sequence())),
    sequence(oid.subjectAltName, tagged(0x04, sequence(...names))),
  );
  const serial = tagged(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)]));
  return sequence(
    version3,
    serial,
    ecdsaWithSha256,
    nameOf(issuer),
    validity,
    nameOf(commonName),
    spki,
    tagged(0xa3, extensions),
  );
}

function nameOf(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(oid.commonName, tagged(0x0c, Buffer.from(commonName)))));
}

const oid = {
  commonName: Buffer.from("0603550403", "hex"),
  basicConstraints: Buffer.from("0603551d13", "hex"),
  subjectAltName: Buffer.from("0603551d11", "hex"),
};
const ecdsaWithSha256 = Buffer.from("300a06082a8648ce3d040302", "hex");
const yes = Buffer.from("0101ff", "hex");

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  // DER wants the shortest form.
  const short = length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  const head = length < 128 ? [tag, length] : short;
  return Buffer.concat([Buffer.from(head), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(value: number): Buffer {
  return tagged(0x02, Buffer.of(value));
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(0), bytes]));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return tagged(0x18, Buffer.from(digits));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").replaceAll(/(.{64})(?=.)/g, "$1\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
